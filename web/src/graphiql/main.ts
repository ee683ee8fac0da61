import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { fetcher } from './fetcher.ts';
import { journey } from './journey.ts';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no #app');

createRoot(place).render(
  createElement(GraphiQL, {
    fetcher,
    defaultTabs: journey,
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
  }),
);

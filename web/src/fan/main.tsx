import '../shared/base.css';
import './fan.css';
import { render } from 'preact';
import { App } from './App.tsx';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no #app');
render(<App />, place);

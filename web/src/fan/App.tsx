// The frame of the fan's page: header, the page that the hash names, and whose client it asks with.

import { Provider } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { sessionFor } from '../shared/client.ts';
import { Guard } from '../shared/guard.tsx';
import { Broken, Logo, Settings } from '../shared/ui.tsx';
import { Concert } from './Concert.tsx';
import { Concerts } from './Concerts.tsx';
import { DatePage } from './DatePage.tsx';
import { href, type Route, useRoute } from './route.ts';
import { TicketPage, Tickets } from './Tickets.tsx';
import { Wallet } from './Wallet.tsx';
import { useWords } from './words.ts';

function page(route: Route) {
  switch (route.page) {
    case 'concerts':
      return <Concerts />;
    case 'concert':
      return <Concert key={route.id} id={route.id} />;
    case 'date':
      return <DatePage key={route.seriesId} {...route} />;
    case 'tickets':
      return <Tickets />;
    case 'ticket':
      return <TicketPage key={route.id} id={route.id} />;
    case 'wallet':
      return <Wallet />;
  }
}

function Header({ route }: { route: Route }) {
  const words = useWords();
  const link = (to: string, text: string, here: boolean) => (
    <a href={to} aria-current={here ? 'page' : undefined}>{text}</a>
  );
  return (
    <header class="top">
      <a class="brand" href={href.concerts}><Logo />Frontrow</a>
      <nav aria-label={words.nav.menu}>
        {link(href.concerts, words.nav.concerts, ['concerts', 'concert', 'date'].includes(route.page))}
        {link(href.tickets, words.nav.tickets, ['tickets', 'ticket'].includes(route.page))}
        {link(href.wallet, words.nav.wallet, route.page === 'wallet')}
      </nav>
      <Settings words={words.settings} />
    </header>
  );
}

export function App() {
  const route = useRoute();
  const words = useWords();
  const where = JSON.stringify(route);
  useEffect(() => {
    window.scrollTo(0, 0);
    document.title = 'Frontrow';
  }, [where]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>{words.nav.skip}</a>
      <Header route={route} />
      <main id="main" tabIndex={-1} data-page={route.page}>
        {/* Places and wallets bring a client of their own. */}
        <Provider value={sessionFor(null).client}>
          <Guard key={route.page === 'date' ? route.seriesId : where} instead={<Broken text={words.broken.page} home={href.concerts} way={words.ways.concerts} />}>{page(route)}</Guard>
        </Provider>
      </main>
    </>
  );
}

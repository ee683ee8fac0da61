// The frame of the organiser's page: signed in or not, header, and the page that the hash names.

import { Provider } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { type Link, sessionFor } from '../shared/client.ts';
import { Guard } from '../shared/guard.tsx';
import { store, useStore } from '../shared/store.ts';
import { Broken, LinkBanner, Logo, Settings } from '../shared/ui.tsx';
import { Board } from './Board.tsx';
import { Concert } from './Concert.tsx';
import { Concerts } from './Concerts.tsx';
import { type Organiser, organiser, signOut } from './identity.ts';
import { NewDate } from './NewDate.tsx';
import { href, type Route, useRoute } from './route.ts';
import { SignIn } from './SignIn.tsx';
import { useWords } from './words.ts';

function page(route: Route, who: Organiser) {
  switch (route.page) {
    case 'concerts':
      return <Concerts who={who} />;
    case 'concert':
      return <Concert key={route.id} id={route.id} />;
    case 'new':
      return <NewDate key={route.concertId} concertId={route.concertId} />;
    case 'board':
      return <Board key={route.seriesId} {...route} />;
  }
}

function Header({ who }: { who: Organiser | null }) {
  const words = useWords();
  return (
    <header class="top">
      <a class="brand" href={href.concerts}><Logo />Frontrow <span class="role">{words.role}</span></a>
      <nav aria-label={words.nav.menu}>
        {who !== null && <a href={href.concerts}>{words.nav.concerts}</a>}
        <a href="/">{words.nav.shop}</a>
        <a href="/graphiql">{words.nav.api}</a>
      </nav>
      <Settings words={words.settings} />
      {who !== null && (
        <button type="button" class="text who" onClick={() => signOut()}><bdi>{who.name}</bdi>: {words.nav.signOut}</button>
      )}
    </header>
  );
}

/** Of somebody who is not signed in. */
const noLink = store<Link>('idle');

export function App() {
  const route = useRoute();
  const words = useWords();
  const who = useStore(organiser);
  const where = JSON.stringify(route);
  useEffect(() => window.scrollTo(0, 0), [where]);
  const session = who === null ? null : sessionFor(who.jwt);
  const link = useStore(session?.link ?? noLink);
  useEffect(() => {
    // A token that has ended, or whose key was changed, while somebody was signed in.
    if (link === 'refused') signOut('forged');
  }, [link]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>{words.nav.skip}</a>
      <Header who={who} />
      <main id="main" tabIndex={-1} data-page={route.page}>
        {who === null || session === null ? (
          <SignIn />
        ) : (
          <Provider key={who.jwt} value={session.client}>
            <LinkBanner link={session.link} lost={words.link.lost} back={words.link.back} />
            <Guard key={where} instead={<Broken text={words.broken.page} home={href.concerts} way={words.nav.concerts} />}>{page(route, who)}</Guard>
          </Provider>
        )}
      </main>
    </>
  );
}

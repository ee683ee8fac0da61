// The few parts that both pages are made of.

import type { CombinedError } from '@urql/preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Link } from './client.ts';
import { errorText } from './errors.ts';
import { choose, type Language, useLanguage } from './language.ts';
import { type Store, useStore } from './store.ts';
import { type Colours, colours, setColours } from './theme.ts';

/** A failure of the request itself, with a way to try again. */
export function Failure({ error, retry, again }: { error: CombinedError; retry?: () => void; again: string }) {
  const language = useLanguage();
  return (
    <div class="notice" data-tone="bad" role="alert">
      <p dir="auto">{errorText(error, language)}</p>
      {retry !== undefined && <button type="button" class="quiet" onClick={retry}>{again}</button>}
    </div>
  );
}

/** In place of a page that cannot be drawn. */
export function Broken({ text, home, way }: { text: string; home: string; way: string }) {
  return (
    <div class="notice" data-tone="bad" role="alert">
      <p>{text}</p>
      <a class="button quiet" href={home}>{way}</a>
    </div>
  );
}

export function Loading({ text }: { text: string }) {
  return <p class="loading" role="status">{text}</p>;
}

/** Says a text to screen readers whenever it changes; nothing is seen of it. */
export function Say({ text, urgent = false }: { text: string; urgent?: boolean }) {
  return <p class="unseen" role={urgent ? 'alert' : 'status'} aria-live={urgent ? 'assertive' : 'polite'}>{text}</p>;
}

let entered = false;

/** A page's heading, which takes the focus when the page is entered, so that keyboards and readers start there. */
export function Title({ children, quiet = false }: { children: ComponentChildren; quiet?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The browser itself says where a freshly loaded page starts.
    const first = !entered;
    entered = true;
    if (!quiet && !first) heading.current?.focus({ preventScroll: true });
  }, [quiet]);
  return <h1 ref={heading} tabIndex={-1} dir="auto">{children}</h1>;
}

/** The state of the live connection, said only when it is lost, and for a moment after it is back. */
export function LinkBanner({ link, lost, back }: { link: Store<Link>; lost: string; back: string }) {
  const state = useStore(link);
  const [recovered, setRecovered] = useState(false);
  const before = useRef(state);
  useEffect(() => {
    const cameBack = before.current === 'lost' && state === 'live';
    before.current = state;
    if (!cameBack) return undefined;
    setRecovered(true);
    const timer = setTimeout(() => setRecovered(false), 4_000);
    return () => clearTimeout(timer);
  }, [state]);
  const shown = state === 'lost' || recovered;
  return (
    <div class="link-banner" role="status" data-shown={shown} data-tone={state === 'lost' ? 'bad' : 'good'}>
      {state === 'lost' ? lost : recovered ? back : ''}
    </div>
  );
}

interface SettingWords {
  theme: string;
  auto: string;
  light: string;
  dark: string;
  language: string;
}

export function Settings({ words }: { words: SettingWords }) {
  const language = useLanguage();
  const theme = useStore(colours);
  return (
    <div class="settings">
      <label>
        <span class="unseen">{words.language}</span>
        <select value={language} onChange={(event) => choose(event.currentTarget.value as Language)}>
          <option value="en" lang="en">English</option>
          <option value="ko" lang="ko">한국어</option>
        </select>
      </label>
      <label>
        <span class="unseen">{words.theme}</span>
        <select value={theme} onChange={(event) => setColours(event.currentTarget.value as Colours)}>
          <option value="auto">{words.auto}</option>
          <option value="light">{words.light}</option>
          <option value="dark">{words.dark}</option>
        </select>
      </label>
    </div>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 20" width="32" height="20" aria-hidden="true">
      <circle cx="5" cy="5.5" r="3.4" />
      <circle cx="16" cy="4" r="3.4" class="logo-you" />
      <circle cx="27" cy="5.5" r="3.4" />
      <path d="M1 17.500c4.5-2.7 9.5-4 15-4s10.5 1.3 15 4" />
    </svg>
  );
}

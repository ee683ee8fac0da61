import { Provider } from '@urql/preact';
import type { ComponentChildren } from 'preact';
import { sessionFor } from '../shared/client.ts';
import { useStore } from '../shared/store.ts';
import { anyToken, places } from './identity.ts';

/** Asks as this user where there is a token, else as nobody in particular. */
export function AsUser({ children }: { children: ComponentChildren }) {
  const token = anyToken(useStore(places));
  return <Provider key={token ?? ''} value={sessionFor(token).client}>{children}</Provider>;
}

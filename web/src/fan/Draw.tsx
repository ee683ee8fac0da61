// How the lobby's draw can be checked: the fingerprint before, the secret after, compared in this browser.

import { useQuery } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { ConcertDocument } from '../gql/graphql.ts';
import type { DateData } from './Concert.tsx';
import { useWords } from './words.ts';

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** SHA-256 of the bytes that `hex` spells, in hexadecimal; null where the browser has no crypto (plain HTTP). */
async function fingerprint(hex: string): Promise<string | null> {
  if (!isSecureContext) return null;
  const digest = await crypto.subtle.digest('SHA-256', bytesOf(hex));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function Draw({ concertId, date, drawn }: { concertId: string; date: DateData; drawn: boolean }) {
  const words = useWords();
  const [fits, setFits] = useState<boolean | null>(null);
  // The secret appears with the draw: the date is asked for once more when the place has got its number.
  const [{ data }] = useQuery({
    query: ConcertDocument,
    variables: { id: concertId },
    requestPolicy: 'network-only',
    pause: !drawn || date.drawSecret !== null,
  });
  const secret = date.drawSecret ?? data?.concert?.series.find(({ id }) => id === date.id)?.drawSecret ?? null;
  useEffect(() => {
    if (secret === null) return;
    void fingerprint(secret).then((made) => setFits(made === null ? null : made === date.drawCommitment));
  }, [secret, date.drawCommitment]);
  return (
    <details class="draw">
      <summary>{words.place.draw}</summary>
      <p>{words.place.drawText}</p>
      <dl>
        <dt>{words.place.drawCommitment}</dt>
        <dd><code>{date.drawCommitment}</code></dd>
        <dt>{words.place.drawSecret}</dt>
        <dd>{secret === null ? words.place.drawLater : <code>{secret}</code>}</dd>
      </dl>
      {fits !== null && <p><strong>{fits ? words.place.drawFits : words.place.drawWrong}</strong></p>}
    </details>
  );
}

import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { LedgerDocument, type LedgerQuery } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useFormat } from '../shared/language.ts';
import { useStore } from '../shared/store.ts';
import { Title } from '../shared/ui.tsx';
import { AsUser } from './AsUser.tsx';
import { ChargeForm } from './Charge.tsx';
import { anyToken, places } from './identity.ts';
import { href } from './route.ts';
import { useWords } from './words.ts';

type Line = NonNullable<LedgerQuery['points']>['history']['nodes'][number];

function Ledger({ lines }: { lines: Line[] }) {
  const words = useWords();
  const format = useFormat();
  return (
    <table class="ledger">
      <caption class="unseen">{words.wallet.ledger}</caption>
      <thead>
        <tr>
          <th scope="col">{words.wallet.when}</th>
          <th scope="col">{words.wallet.what}</th>
          <th scope="col" class="number">{words.wallet.amount}</th>
          <th scope="col" class="number">{words.wallet.after}</th>
        </tr>
      </thead>
      <tbody>
        <Rows of={lines} instead={<tr><td colSpan={4}>{words.broken.row}</td></tr>}>
          {(line) => (
            <tr>
              <td>{format.moment(line.createdAt)}</td>
              <td>{words.wallet.kind[line.kind]}</td>
              <td class="number" data-kind={line.kind}>{line.amount > 0 ? '+' : '−'}{format.number(Math.abs(line.amount))}</td>
              <td class="number">{format.number(line.balanceAfter)}</td>
            </tr>
          )}
        </Rows>
      </tbody>
    </table>
  );
}

function Opened() {
  const words = useWords();
  const format = useFormat();
  const [after, setAfter] = useState<string | null>(null);
  const asked = useQuery({ query: LedgerDocument, variables: { after }, requestPolicy: 'cache-and-network' });
  return (
    <Answer of={asked} pick={(data) => data.points} words={words} missing={<p class="empty">{words.wallet.none}</p>}>
      {({ balance, history }) => (
        <>
          <div class="wallet">
            <div>
              <p class="place-label">{words.wallet.balance}</p>
              <p class="balance">{format.points(balance)}</p>
              <p class="small">{words.wallet.one}</p>
            </div>
            <ChargeForm suggested={50_000} />
          </div>
          <h2>{words.wallet.ledger}</h2>
          {history.nodes.length === 0 ? <p class="empty">{words.wallet.none}</p> : <Ledger lines={history.nodes} />}
          {history.pageInfo.hasNextPage && (
            <button type="button" class="quiet" onClick={() => setAfter(history.pageInfo.endCursor)}>{words.wallet.more}</button>
          )}
        </>
      )}
    </Answer>
  );
}

export function Wallet() {
  const words = useWords();
  const token = anyToken(useStore(places));
  return (
    <>
      <Title>{words.wallet.title}</Title>
      {token === null ? (
        <div class="empty">
          <p>{words.wallet.needPlace}</p>
          <a class="button" href={href.concerts}>{words.ways.concerts}</a>
        </div>
      ) : (
        <AsUser><Opened /></AsUser>
      )}
    </>
  );
}

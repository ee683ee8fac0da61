import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { LedgerDocument, type LedgerQuery } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { useStore } from '../shared/store.ts';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { AsUser } from './AsUser.tsx';
import { ChargeForm } from './Charge.tsx';
import { anyToken, places } from './identity.ts';
import { href } from './route.ts';
import { useWords } from './words.ts';

type Line = LedgerQuery['points']['history']['nodes'][number];

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
        {lines.map((line) => (
          <tr key={line.id}>
            <td>{format.moment(line.createdAt)}</td>
            <td>{words.wallet.kind[line.kind]}</td>
            <td class="number" data-kind={line.kind}>{line.amount > 0 ? '+' : '−'}{format.number(Math.abs(line.amount))}</td>
            <td class="number">{format.number(line.balanceAfter)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Opened() {
  const words = useWords();
  const format = useFormat();
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: LedgerDocument,
    variables: { after },
    requestPolicy: 'cache-and-network',
  });
  if (error !== undefined) return <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />;
  if (data === undefined) return fetching ? <Loading text={words.loading} /> : null;
  const { balance, history } = data.points;
  return (
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

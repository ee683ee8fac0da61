import type { CombinedError } from '@urql/preact';
import { useState } from 'preact/hooks';
import { WhoamiDocument } from '../gql/graphql.ts';
import { sessionFor } from '../shared/client.ts';
import { errorCode } from '../shared/errors.ts';
import { useStore } from '../shared/store.ts';
import { Failure, Title } from '../shared/ui.tsx';
import { type Organiser, read, type Refusal, refusal as lastRefusal, signIn } from './identity.ts';
import { useWords } from './words.ts';

/** Whether the server takes the token: what is in it can be read by anybody, and written by anybody too. */
async function refusedBy(who: Organiser): Promise<Refusal | CombinedError | null> {
  const { client, link } = sessionFor(who.jwt);
  const { error } = await client.query(WhoamiDocument, {}, { requestPolicy: 'network-only' }).toPromise();
  if (error === undefined) {
    if (link.get() === 'refused') link.set('idle');
    return null;
  }
  return errorCode(error) === 'UNAUTHENTICATED' ? 'forged' : error;
}

export function SignIn() {
  const words = useWords();
  const ended = useStore(lastRefusal);
  const [pasted, setPasted] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(ended);
  const [failure, setFailure] = useState<CombinedError | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    const found = read(pasted, Date.now());
    setFailure(null);
    if (typeof found === 'string') {
      setRefusal(found);
      return;
    }
    setRefusal(null);
    setBusy(true);
    const refused = await refusedBy(found);
    setBusy(false);
    if (refused === null) signIn(found);
    else if (typeof refused === 'string') setRefusal(refused);
    else setFailure(refused);
  };
  return (
    <section class="sign-in">
      <Title>{words.signIn.title}</Title>
      <p class="lead">{words.signIn.lead}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label class="field">
          <span>{words.signIn.token}</span>
          <textarea
            value={pasted}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={refusal !== null}
            aria-describedby="sign-in-refusal"
            onInput={(event) => {
              setRefusal(null);
              setFailure(null);
              setPasted(event.currentTarget.value);
            }}
          />
        </label>
        <div id="sign-in-refusal" role="alert">
          {refusal !== null && <p class="notice" data-tone="bad" data-refusal={refusal}>{words.signIn[refusal]}</p>}
        </div>
        {failure !== null && <Failure error={failure} again={words.again} retry={() => void submit()} />}
        <button class="big" disabled={busy}>{busy ? words.signIn.checking : words.signIn.go}</button>
      </form>
      <p class="small">
        {words.signIn.how} <code>frontrow token --user org --name Org --role ORGANIZER</code><br />
        {words.signIn.demo}
      </p>
    </section>
  );
}

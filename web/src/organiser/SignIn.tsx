import { useState } from 'preact/hooks';
import { Title } from '../shared/ui.tsx';
import { read, type Refusal, signIn } from './identity.ts';
import { useWords } from './words.ts';

export function SignIn() {
  const words = useWords();
  const [pasted, setPasted] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const submit = () => {
    const found = read(pasted, Date.now());
    if (typeof found === 'string') setRefusal(found);
    else signIn(found);
  };
  return (
    <section class="sign-in">
      <Title>{words.signIn.title}</Title>
      <p class="lead">{words.signIn.lead}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label class="field">
          <span>{words.signIn.token}</span>
          <textarea
            value={pasted}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={refusal !== null}
            onInput={(event) => {
              setRefusal(null);
              setPasted(event.currentTarget.value);
            }}
          />
        </label>
        {refusal !== null && <p class="notice" data-tone="bad" role="alert">{words.signIn[refusal]}</p>}
        <button class="big">{words.signIn.go}</button>
      </form>
      <p class="small">
        {words.signIn.how} <code>frontrow token --user org --name Org --role ORGANIZER</code><br />
        {words.signIn.demo}
      </p>
    </section>
  );
}

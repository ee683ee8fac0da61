// The queue policy: its fields in the form of a new date, and on the board of a running one.

import { useMutation } from '@urql/preact';
import { useState } from 'preact/hooks';
import { type PolicyPartsFragment, UpdatePolicyDocument } from '../gql/graphql.ts';
import { Failure } from '../shared/ui.tsx';
import { optional, type PolicyForm, policyFields, policyForm, policyInput } from './plan.ts';
import { useWords } from './words.ts';

interface FieldsProps {
  form: PolicyForm;
  onChange(form: PolicyForm): void;
}

export function PolicyFields({ form, onChange }: FieldsProps) {
  const words = useWords();
  return (
    <div class="fields">
      {policyFields.map((field) => (
        <label key={field} class="field">
          <span>{words.policy[field]}</span>
          <input
            type="number"
            inputMode="numeric"
            min={1}
            step={1}
            required={!optional.has(field)}
            placeholder={optional.has(field) ? words.policy.maxActiveHint : ''}
            value={form[field]}
            onInput={(event) => onChange({ ...form, [field]: event.currentTarget.value })}
          />
        </label>
      ))}
    </div>
  );
}

export function PolicyEditor({ seriesId, policy }: { seriesId: string; policy: PolicyPartsFragment }) {
  const words = useWords();
  const [form, setForm] = useState(() => policyForm(policy));
  const [saved, setSaved] = useState(false);
  const [{ fetching, error }, update] = useMutation(UpdatePolicyDocument);
  const submit = async () => {
    setSaved(false);
    const changed = (await update({ seriesId, queuePolicy: policyInput(form) })).data?.updateQueuePolicy;
    if (changed == null) return;
    setForm(policyForm(changed.queuePolicy));
    setSaved(true);
  };
  return (
    <form
      class="policy"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <PolicyFields form={form} onChange={(next) => {
        setSaved(false);
        setForm(next);
      }} />
      <p class="row">
        <button class="quiet" disabled={fetching}>{words.policy.save}</button>
        <span role="status">{saved ? words.policy.saved : ''}</span>
      </p>
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void submit()} />}
    </form>
  );
}

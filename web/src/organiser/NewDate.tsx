// A new date: when, which seats (with a preview of the house), and how many are let in.

import { useMutation } from '@urql/preact';
import { useMemo, useState } from 'preact/hooks';
import { CreateSeriesDocument, type CreateSeriesInput } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { layOut } from '../shared/seatmap/house.ts';
import { SeatMap } from '../shared/seatmap/SeatMap.tsx';
import { Failure, Title } from '../shared/ui.tsx';
import {
  arena, fullHouse, type Mistake, planned, policyForm, policyInput, type Section, seatCount, sectionMistake, standard, theatre,
} from './plan.ts';
import { PolicyFields } from './Policy.tsx';
import { go, href } from './route.ts';
import { SectionRows } from './SectionRows.tsx';
import { firstTimes, isoTimes, type Times, timesInOrder, timeFields } from './times.ts';
import { useWords } from './words.ts';

const firstPolicy = policyForm({
  maxActive: 100, intervalSeconds: 60, heartbeatTimeoutSeconds: 60, sessionSeconds: 600, maxSeatsPerUser: 4,
});

export function NewDate({ concertId }: { concertId: string }) {
  const words = useWords();
  const [times, setTimes] = useState(() => firstTimes(new Date()));
  const [sections, setSections] = useState<Section[]>(standard);
  const [policy, setPolicy] = useState(firstPolicy);
  const [tried, setTried] = useState(false);
  const [{ fetching, error }, create] = useMutation(CreateSeriesDocument);
  const mistake: Mistake | null = timesInOrder(times) ? sectionMistake(sections) : 'order';

  const submit = async () => {
    setTried(true);
    if (mistake !== null) return;
    const input: CreateSeriesInput = { concertId, ...isoTimes(times), sections, queuePolicy: policyInput(policy) };
    const made = (await create({ input })).data?.createSeries;
    if (made != null) go(href.board(concertId, made.id));
  };
  return (
    <form
      class="new-date"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <a class="crumb" href={href.concert(concertId)}>{words.date.back}</a>
      <Title>{words.concert.add}</Title>
      <TimeFields times={times} onChange={setTimes} />
      <section class="block layout">
        <div>
          <h2>{words.date.layout}</h2>
          <Presets onPick={setSections} />
          <SectionRows sections={sections} onChange={setSections} />
        </div>
        <Preview sections={sections} />
      </section>
      <section class="block">
        <h2>{words.date.policy}</h2>
        <PolicyFields form={policy} onChange={setPolicy} />
      </section>
      {tried && mistake !== null && <p class="notice" data-tone="bad" role="alert">{words.date.wrong[mistake]}</p>}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void submit()} />}
      <p class="row block"><button class="big" disabled={fetching}>{words.date.go}</button></p>
    </form>
  );
}

function TimeFields({ times, onChange }: { times: Times; onChange(times: Times): void }) {
  const words = useWords();
  return (
    <section class="block">
      <div class="fields">
        {timeFields.map((field) => (
          <label key={field} class="field">
            <span>{words.date[field]}</span>
            <input
              type="datetime-local"
              required
              max="9999-12-31T23:59"
              value={times[field]}
              onInput={(event) => onChange({ ...times, [field]: event.currentTarget.value })}
            />
          </label>
        ))}
      </div>
      <p class="small">{words.date.zone(Intl.DateTimeFormat().resolvedOptions().timeZone)}</p>
    </section>
  );
}

function Presets({ onPick }: { onPick(sections: Section[]): void }) {
  const words = useWords();
  const { presets } = words.date;
  const all: [string, Section[]][] = [[presets.house, standard], [presets.theatre, theatre], [presets.arena, arena]];
  return (
    <div class="presets" role="group" aria-label={presets.label}>
      {all.map(([name, sections]) => (
        <button key={name} type="button" class="quiet" onClick={() => onPick(sections.map((section) => ({ ...section })))}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Preview({ sections }: { sections: Section[] }) {
  const words = useWords();
  const format = useFormat();
  const sound = sectionMistake(sections) === null;
  const house = useMemo(() => (sound ? layOut(planned(sections)) : null), [sections, sound]);
  return (
    <div>
      <h2>{words.date.preview}</h2>
      {house !== null && <SeatMap house={house} seats={null} words={words.seats} points={format.points} />}
      <p class="small">{words.date.house(format.number(seatCount(sections)), format.points(fullHouse(sections)))}</p>
    </div>
  );
}

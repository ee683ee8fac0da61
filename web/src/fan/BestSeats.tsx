// Finding the best seats: proposes them, holds nothing.

import { useState } from 'preact/hooks';
import type { LiveSeats } from '../shared/seatmap/live.ts';
import { useWords } from './words.ts';

/** The server finds no more than this side by side either. */
const MOST = 10;

interface Props {
  seats: LiveSeats;
  /** How many more seats may be selected. */
  left: number;
  busy: boolean;
  onFind(search: { count: number; section: string | null }): void;
}

export function BestSeats({ seats, left, busy, onFind }: Props) {
  const words = useWords();
  const [wanted, setWanted] = useState(2);
  const [section, setSection] = useState('');
  const most = Math.min(left, MOST);
  const count = Math.max(1, Math.min(wanted, most));
  return (
    <form
      class="best"
      onSubmit={(event) => {
        event.preventDefault();
        onFind({ count, section: section || null });
      }}
    >
      <label class="field">
        <span>{words.seats.bestHow}</span>
        <select value={String(count)} disabled={most === 0} onChange={(event) => setWanted(Number(event.currentTarget.value))}>
          {Array.from({ length: Math.max(1, most) }, (_, i) => <option key={i} value={String(i + 1)}>{i + 1}</option>)}
        </select>
      </label>
      {seats.house.blocks.length > 1 && (
        <label class="field">
          <span>{words.seats.bestWhere}</span>
          <select dir="auto" value={section} onChange={(event) => setSection(event.currentTarget.value)}>
            <option value="">{words.seats.anywhere}</option>
            {seats.house.blocks.map(({ name }) => <option key={name} value={name} dir="auto">{name}</option>)}
          </select>
        </label>
      )}
      {/* Before the seats have said who has them, none could be found, and that would be untrue. */}
      <button class="quiet" disabled={busy || most === 0}>{words.seats.best}</button>
      <p class="small">{most === 0 ? words.seats.bestFull : words.seats.bestLead}</p>
    </form>
  );
}

// The seats that a fan has selected and not yet held: picked on the map, or found by us.

import { useEffect, useRef, useState } from 'preact/hooks';
import { bestSeats } from '../shared/seatmap/best.ts';
import { FREE, type LiveSeats, useChanges } from '../shared/seatmap/live.ts';

/** What has just become of the selection, to be said. */
export type News =
  | { kind: 'gone'; seat: number }
  | { kind: 'full' }
  | { kind: 'found' }
  | { kind: 'none'; count: number }
  | null;

interface Search {
  count: number;
  section: string | null;
}

const none: ReadonlySet<number> = new Set();
const without = (all: ReadonlySet<number>, these: Iterable<number>) => new Set([...all].filter((index) => !new Set(these).has(index)));

/** `room`: how many seats may be selected. A seat that goes to somebody else leaves by itself and is named. */
export function useSelection(seats: LiveSeats, room: number) {
  const [picked, setPicked] = useState(none);
  const [found, setFound] = useState(none);
  const [news, setNews] = useState<News>(null);
  const search = useRef<Search | null>(null);
  /** Refused by the server before the map has heard why. */
  const refused = useRef(new Set<number>());
  /** While the fan's own hold is on its way, seats that become held are the fan's. */
  const holding = useRef(false);
  const turn = useChanges(seats);

  const remove = (these: readonly number[]) => {
    setPicked((before) => without(before, these));
    setFound((before) => without(before, these));
  };
  useEffect(() => {
    for (const index of refused.current) if (seats.statuses[index] !== FREE) refused.current.delete(index);
    const lost = [...picked, ...found].filter((index) => seats.statuses[index] !== FREE);
    if (lost[0] === undefined || holding.current) return;
    setNews({ kind: 'gone', seat: lost[0] });
    remove(lost);
  }, [turn, picked, found]);

  const toggle = (index: number) => {
    setNews(null);
    if (picked.has(index) || found.has(index)) remove([index]);
    else if (seats.statuses[index] !== FREE) return;
    else if (picked.size + found.size >= room) setNews({ kind: 'full' });
    else setPicked(new Set([...picked, index]));
  };

  /** Selects the best seats beside what was picked, in the place of those found before; whether there are any. */
  const find = (wanted: Search): readonly number[] | null => {
    search.current = wanted;
    const best = bestSeats(seats.house, seats.statuses, wanted.count, wanted.section, new Set([...picked, ...refused.current]));
    setFound(new Set(best ?? []));
    setNews(best === null ? { kind: 'none', count: wanted.count } : { kind: 'found' });
    return best;
  };

  return {
    holding,
    chosen: new Set([...picked, ...found]) as ReadonlySet<number>,
    found,
    news,
    /** How many seats may be found beside those picked. */
    left: Math.max(0, room - picked.size),
    toggle,
    find,
    decline: () => {
      setFound(none);
      setNews(null);
    },
    /** Takes out seats that the server says are gone, and looks for others in the place of those found by us. */
    drop: (numbers: readonly number[]) => {
      const gone = [...picked, ...found].filter((index) => numbers.includes(seats.house.spots[index]?.number ?? 0));
      for (const index of gone) refused.current.add(index);
      const again = gone.some((index) => found.has(index)) ? search.current : null;
      remove(gone);
      return again === null ? null : find(again);
    },
    clear: () => {
      setPicked(none);
      setFound(none);
      setNews(null);
    },
  };
}

export type Selection = ReturnType<typeof useSelection>;

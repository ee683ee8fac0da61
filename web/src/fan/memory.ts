// Where the memory of holds is kept, date by date: in this browser, for all of its windows.

import { keep, recall, store } from '../shared/store.ts';
import { type Memory, nothing } from './held.ts';

const KEY = 'frontrow.held';

function stored(): Record<string, Memory> {
  const found = recall<unknown>(localStorage, KEY, {});
  if (typeof found !== 'object' || found === null) return {};
  const sound = (memory: Partial<Memory> | null) => Array.isArray(memory?.held) && typeof memory.lapsed === 'number';
  return Object.fromEntries(Object.entries(found).filter(([, memory]) => sound(memory as Partial<Memory> | null)));
}

const all = store(stored());

/** Changes when another window of this browser took, paid or gave back seats. */
export const elsewhere = store(0);

window.addEventListener('storage', (event) => {
  if (event.key !== KEY) return;
  all.set(stored());
  elsewhere.set(elsewhere.get() + 1);
});

export const memories = all;

export const memoryOf = (memories: Record<string, Memory>, seriesId: string): Memory => memories[seriesId] ?? nothing;

export function setMemory(seriesId: string, memory: Memory): void {
  if (JSON.stringify(memoryOf(all.get(), seriesId)) === JSON.stringify(memory)) return;
  const { [seriesId]: _, ...others } = all.get();
  const empty = memory.held.length === 0 && memory.lapsed === 0;
  const next = empty ? others : { ...others, [seriesId]: memory };
  keep(localStorage, KEY, next);
  all.set(next);
}

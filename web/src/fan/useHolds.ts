import { useQuery } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { HoldsDocument } from '../gql/graphql.ts';
import { serverNow, useSecondsLeft } from '../shared/clock.ts';
import { useStore } from '../shared/store.ts';
import { firstEnd, isOver, remember } from './held.ts';
import { elsewhere, memories, memoryOf, setMemory } from './memory.ts';

/**
 * This user's live holds of a date, whichever window they were taken in. `left`: seconds until the first of them ends;
 * `lapsed`: how many seats went back unpaid since the last that was held.
 */
export function useHolds(seriesId: string) {
  const asked = useQuery({ query: HoldsDocument, requestPolicy: 'cache-and-network' });
  const [{ data, error, fetching, stale }, again] = asked;
  const active = data?.holds?.filter((hold) => hold.status === 'ACTIVE' && hold.seat.series.id === seriesId);
  const left = useSecondsLeft(firstEnd(active ?? []));
  const holds = active?.filter((hold) => !isOver(hold, serverNow())).sort((a, b) => a.seat.number - b.seat.number);
  const due = (active?.length ?? 0) > (holds?.length ?? 0);
  const settled = data?.holds != null && !fetching && !stale;

  const { lapsed } = memoryOf(useStore(memories), seriesId);
  useEffect(() => {
    // What the cache says of holds may be older than what this browser remembers of them.
    if (active === undefined || !(settled || due)) return;
    setMemory(seriesId, remember(memoryOf(memories.get(), seriesId), active, serverNow()));
  }, [data, settled, due]);

  const changes = useStore(elsewhere);
  useEffect(() => {
    if (changes > 0 || due) again({ requestPolicy: 'network-only' });
  }, [changes, due]);
  return { asked, holds, left, lapsed, error, settled };
}

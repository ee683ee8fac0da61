// What became of seats that were held and not paid for.

import { nothing } from './held.ts';
import { memories, memoryOf, setMemory } from './memory.ts';
import { useWords } from './words.ts';

export function Lapsed({ seriesId, count }: { seriesId: string; count: number }) {
  const words = useWords();
  if (count === 0) return null;
  const seen = () => setMemory(seriesId, { ...nothing, held: memoryOf(memories.get(), seriesId).held });
  return (
    <div class="notice" role="alert" data-lapsed={count}>
      <p>{words.checkout.lapsed(count)}</p>
      <button type="button" class="quiet" onClick={seen}>{words.checkout.lapsedSeen}</button>
    </div>
  );
}

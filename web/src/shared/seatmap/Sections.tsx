// The sections of a house in words: price, seats left, and a way to each on the map.

import { useFormat } from '../language.ts';
import { tierColour } from './palette.ts';
import { type LiveSeats, useChanges } from './live.ts';

interface Words {
  sections: string;
  free(n: string): string;
  show(name: string): string;
}

export function Sections({ seats, words, onShow }: { seats: LiveSeats; words: Words; onShow(block: number): void }) {
  const format = useFormat();
  useChanges(seats);
  const { blocks, prices } = seats.house;
  const free = (index: number) => words.free(format.number(seats.free[index] ?? 0));
  return (
    <ul class="sections" aria-label={words.sections}>
      {blocks.map((block, index) => (
        <li key={block.name}>
          <button type="button" aria-label={`${words.show(block.name)}, ${format.points(block.price)}, ${free(index)}`} onClick={() => onShow(index)}>
            <i class="swatch" style={{ background: `var(--seat-${tierColour(block.tier, prices.length)})` }} />
            <span class="sections-name" dir="auto">{block.name}</span>
            <span>{format.points(block.price)}</span>
            <span class="sections-free">{free(index)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface LegendWords {
  free: string;
  held: string;
  sold: string;
  chosen: string;
}

export function Legend({ words, own }: { words: LegendWords; own: boolean }) {
  return (
    <ul class="legend">
      <li><i class="dot" data-look="free" />{words.free}</li>
      <li><i class="dot" data-look="held" />{words.held}</li>
      <li><i class="dot" data-look="sold" />{words.sold}</li>
      {own && <li><i class="dot" data-look="chosen" />{words.chosen}</li>}
    </ul>
  );
}

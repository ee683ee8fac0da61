// What is selected, what has just become of it, and the question whether to hold it. Always in view while choosing.

import { useFormat } from '../shared/language.ts';
import type { Spot } from '../shared/seatmap/house.ts';
import type { LiveSeats } from '../shared/seatmap/live.ts';
import { SeatName } from '../shared/seatmap/SeatName.tsx';
import type { Selection } from './useSelection.ts';
import { useWords } from './words.ts';

interface Props {
  seats: LiveSeats;
  selection: Selection;
  /** How many seats one fan may have. */
  max: number;
  busy: boolean;
  onHold(numbers: number[]): Promise<void>;
}

export function Tray({ seats, selection, max, busy, onHold }: Props) {
  const words = useWords();
  const format = useFormat();
  const { chosen, found, toggle, decline } = selection;
  const spots = [...chosen].flatMap((index) => seats.house.spots[index] ?? []);
  const total = spots.reduce((sum, spot) => sum + spot.price, 0);
  const name = (spot: Spot | undefined) => (spot === undefined ? '' : words.seats.seat(spot.section, spot.row, spot.col));
  return (
    <>
      <p class="tray-said" role="status"><Said seats={seats} selection={selection} max={max} /></p>
      {chosen.size === 0 && <p class="tray-hint">{words.seats.nothing}</p>}
      {chosen.size > 0 && (
        <div class="tray-row">
          <ul class="chips" aria-label={words.seats.selection(chosen.size)}>
            {[...chosen].map((index) => {
              const spot = seats.house.spots[index];
              return spot === undefined ? null : (
                <li key={index}>
                  <button type="button" class="chip" data-found={found.has(index)} aria-label={words.seats.remove(name(spot))} onClick={() => toggle(index)}>
                    <span><SeatName of={spot} words={words.seats} /></span> <span aria-hidden="true">×</span>
                  </button>
                </li>
              );
            })}
          </ul>
          <div class="tray-ways">
            {found.size > 0 && <button type="button" class="quiet" disabled={busy} onClick={decline}>{words.seats.decline}</button>}
            <button type="button" class="big" disabled={busy} onClick={() => void onHold(spots.map((spot) => spot.number))}>
              {busy ? words.seats.holding : words.seats.hold(chosen.size)} · {format.points(total)}
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function Said({ seats, selection: { news, found }, max }: Pick<Props, 'seats' | 'selection' | 'max'>) {
  const words = useWords();
  const spot = (index: number | undefined) => (index === undefined ? undefined : seats.house.spots[index]);
  switch (news?.kind) {
    case 'gone': {
      const gone = spot(news.seat);
      return gone === undefined ? null : <><SeatName of={gone} words={words.seats} />{words.seats.gone}</>;
    }
    case 'full':
      return <>{words.seats.full(max)}</>;
    case 'none':
      return <>{words.seats.noBest(news.count)}</>;
    case 'found': {
      const all = [...found].sort((a, b) => a - b);
      const [first, last] = [spot(all[0]), spot(all.at(-1))];
      if (first === undefined || last === undefined) return null;
      return <><bdi>{first.section}</bdi>{words.seats.found(first.row, first.col, last.col)} {words.seats.foundAsk}</>;
    }
    default:
      return null;
  }
}

// The seat map: a canvas to look at and touch, and for keyboards and screen readers a grid whose one cell is the seat
// under the cursor.

import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../store.ts';
import { colours } from '../theme.ts';
import { SeatCanvas } from './canvas.ts';
import { FREE, HELD, type LiveSeats, SOLD } from './live.ts';
import { step } from './house.ts';
import type { House, Move, Spot } from './house.ts';
import { usePointer } from './pointer.ts';

export interface MapWords {
  map: string;
  stage: string;
  mapHelp: string;
  zoomIn: string;
  zoomOut: string;
  whole: string;
  seat(section: string, row: number, col: number): string;
  state: Record<'AVAILABLE' | 'HELD' | 'RESERVED', string>;
  chosen: string;
  yours: string;
}

export interface SeatMapProps {
  house: House;
  /** Null for a plan that nobody sells yet. */
  seats: LiveSeats | null;
  chosen?: ReadonlySet<number>;
  mine?: ReadonlySet<number>;
  /** Left out: to look at only. */
  onToggle?: (index: number) => void;
  words: MapWords;
  points: (n: number) => string;
  /** The section to show; a new object each time it is asked for. */
  focus?: { block: number } | null;
}

const moves: Record<string, Move> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'rowStart',
  End: 'rowEnd',
  PageDown: 'nextSection',
  PageUp: 'previousSection',
};

/** A house of up to this many seats is easily hit without zooming. */
const SMALL = 120;

const nothing: ReadonlySet<number> = new Set();

function useCanvas(house: House, stageName: string) {
  const holder = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drawing, setDrawing] = useState<SeatCanvas | null>(null);
  const theme = useStore(colours);
  useEffect(() => {
    if (canvas.current === null || holder.current === null) return undefined;
    const made = new SeatCanvas(canvas.current, house, stageName);
    const size = new ResizeObserver(([entry]) => {
      if (entry !== undefined) made.resize(entry.contentRect.width, entry.contentRect.height);
    });
    size.observe(holder.current);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const retheme = () => made.retheme();
    dark.addEventListener('change', retheme);
    setDrawing(made);
    return () => {
      size.disconnect();
      dark.removeEventListener('change', retheme);
      made.close();
    };
  }, [house, stageName]);
  useEffect(() => drawing?.retheme(), [theme, drawing]);
  return { holder, canvas, drawing };
}

function stateOf(props: SeatMapProps, index: number): string {
  const { words, seats, chosen = nothing, mine = nothing } = props;
  if (mine.has(index)) return words.yours;
  if (chosen.has(index)) return words.chosen;
  const status = seats?.statuses[index] ?? FREE;
  return words.state[status === SOLD ? 'RESERVED' : status === HELD ? 'HELD' : 'AVAILABLE'];
}

function describe(props: SeatMapProps, spot: Spot, index: number): string {
  const { words, points } = props;
  return `${words.seat(spot.section, spot.row, spot.col)}, ${points(spot.price)}, ${stateOf(props, index)}`;
}

export function SeatMap(props: SeatMapProps) {
  const { house, seats, chosen = nothing, mine = nothing, onToggle, words, focus } = props;
  const { holder, canvas, drawing } = useCanvas(house, words.stage);
  const [cursor, setCursor] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const [hover, setHover] = useState<{ index: number; x: number; y: number } | null>(null);

  useEffect(() => {
    const show = () => drawing?.show({ statuses: seats?.statuses ?? null, chosen, mine, cursor: focused ? cursor : null });
    show();
    return seats?.watch(show);
  }, [drawing, seats, chosen, mine, cursor, focused]);
  useEffect(() => {
    if (focus != null) drawing?.showBlock(focus.block);
  }, [focus, drawing]);

  usePointer(canvas, drawing, {
    tap: (index) => {
      setCursor(index);
      onToggle?.(index);
    },
    hover: setHover,
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const at = cursor ?? 0;
    const move = moves[event.key];
    if (move !== undefined) {
      const next = cursor === null ? 0 : step(house, at, move);
      setCursor(next);
      drawing?.reveal(next);
    } else if (event.key === 'Enter' || event.key === ' ') onToggle?.(at);
    else if (event.key === '+' || event.key === '=') drawing?.zoomBy(1.5, undefined, true);
    else if (event.key === '-') drawing?.zoomBy(1 / 1.5, undefined, true);
    else if (event.key === '0') drawing?.fit();
    else return;
    event.preventDefault();
  };

  const at = cursor === null ? undefined : house.spots[cursor];
  const hovered = hover === null ? undefined : house.spots[hover.index];
  return (
    <div class="seatmap" style={{ '--shape': String(Math.max(0.8, Math.min(2, house.width / house.height))) }}>
      <div
        ref={holder}
        class="seatmap-view"
        role="grid"
        tabIndex={0}
        aria-label={words.map}
        aria-describedby="seatmap-help"
        aria-activedescendant={cursor === null ? undefined : `seat-${cursor}`}
        aria-multiselectable={onToggle !== undefined}
        aria-readonly={onToggle === undefined}
        onKeyDown={onKeyDown}
        onFocus={() => {
          setFocused(true);
          if (cursor === null) setCursor(0);
        }}
        onBlur={() => setFocused(false)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        <div class="unseen" role="row">
          <div
            key={cursor}
            id={`seat-${cursor ?? 0}`}
            role="gridcell"
            aria-selected={cursor !== null && (chosen.has(cursor) || mine.has(cursor))}
          >
            {at !== undefined && cursor !== null ? describe(props, at, cursor) : words.map}
          </div>
        </div>
      </div>
      <p id="seatmap-help" class="unseen">{words.mapHelp}</p>
      {hovered !== undefined && hover !== null && (
        <div class="seatmap-tip" aria-hidden="true" style={{ left: `${hover.x}px`, top: `${hover.y}px` }}>
          <strong>{words.seat(hovered.section, hovered.row, hovered.col)}</strong>
          <span>{props.points(hovered.price)} · {stateOf(props, hover.index)}</span>
        </div>
      )}
      <div class="seatmap-zoom" hidden={house.spots.length <= SMALL}>
        <button type="button" aria-label={words.zoomIn} onClick={() => drawing?.zoomBy(1.6, undefined, true)}>+</button>
        <button type="button" aria-label={words.zoomOut} onClick={() => drawing?.zoomBy(1 / 1.6, undefined, true)}>−</button>
        <button type="button" aria-label={words.whole} onClick={() => drawing?.fit()}>⤢</button>
      </div>
    </div>
  );
}

// The seat map: a canvas to look at and touch, and for keyboards and screen readers a grid whose one cell is the seat
// under the cursor.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../store.ts';
import { colours } from '../theme.ts';
import { SeatCanvas } from './canvas.ts';
import { FREE, HELD, type LiveSeats, SOLD, useChanges } from './live.ts';
import { step } from './house.ts';
import type { House, Move, Spot } from './house.ts';
import { Overview } from './Overview.tsx';
import { usePointer } from './pointer.ts';
import { SeatName } from './SeatName.tsx';
import { type Frame, inView } from './where.ts';

export interface MapWords {
  map: string;
  stage: string;
  mapHelp: string;
  zoomIn: string;
  zoomOut: string;
  whole: string;
  /** How to zoom and move with a mouse, and with fingers. */
  mouseHint: string;
  touchHint: string;
  rows(first: number, last: number): string;
  others(n: number): string;
  where(row: number, col: number): string;
  seat(section: string, row: number, col: number): string;
  state: Record<'AVAILABLE' | 'HELD' | 'RESERVED', string>;
  chosen: string;
  yours: string;
}

export type Focus = { block: number } | { seats: readonly number[] };

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
  /** What to show: a section, or seats; a new object each time it is asked for. */
  focus?: Focus | null;
  /** What the colours mean; stands above the map, where nothing lies over it. */
  legend?: ComponentChildren;
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

/** What of the house is in view; null while all of it is. */
function useFrame(drawing: SeatCanvas | null): Frame | null {
  const [frame, setFrame] = useState<Frame | null>(null);
  useEffect(() => {
    const look = () => setFrame(drawing?.zoomed === true ? drawing.frame : null);
    look();
    return drawing?.watch(look);
  }, [drawing]);
  return frame;
}

interface Hover {
  index: number;
  x: number;
  y: number;
}

/** How much room a tip needs: nearer to an edge than this it stands on the other side, so that it covers the map alone. */
const TIP = { height: 80, half: 110 };

function Tip({ hover, width, ...props }: SeatMapProps & { hover: Hover; width: number }) {
  useChanges(props.seats);
  const spot = props.house.spots[hover.index];
  if (spot === undefined) return null;
  const left = Math.max(Math.min(hover.x, width - TIP.half), Math.min(TIP.half, width / 2));
  return (
    <div class="seatmap-tip" aria-hidden="true" data-below={hover.y < TIP.height} style={{ left: `${left}px`, top: `${hover.y}px` }}>
      <strong><SeatName of={spot} words={props.words} /></strong>
      <span>{props.points(spot.price)} · {stateOf(props, hover.index)}</span>
    </div>
  );
}

/** The seat under the cursor, said anew when somebody takes it. */
function Cell({ cursor, ...props }: SeatMapProps & { cursor: number | null }) {
  useChanges(props.seats);
  const { chosen = nothing, mine = nothing, house, words } = props;
  const at = cursor === null ? undefined : house.spots[cursor];
  return (
    <div id={`seat-${cursor ?? 0}`} role="gridcell" aria-selected={cursor !== null && (chosen.has(cursor) || mine.has(cursor))}>
      {at !== undefined && cursor !== null ? describe(props, at, cursor) : words.map}
    </div>
  );
}

/** Where in the house a zoomed map is, in words. */
function Where({ house, frame, words }: { house: House; frame: Frame; words: MapWords }) {
  const seen = inView(house, frame);
  const block = seen === null ? undefined : house.blocks[seen.block];
  if (seen === null || block === undefined) return null;
  return <><b><bdi>{block.name}</bdi></b>, {words.rows(...seen.rows)}{seen.others > 0 && ` ${words.others(seen.others)}`}</>;
}

export function SeatMap(props: SeatMapProps) {
  const { house, seats, chosen = nothing, mine = nothing, onToggle, words, focus } = props;
  const { holder, canvas, drawing } = useCanvas(house, words.stage);
  const [cursor, setCursor] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const [hover, setHover] = useState<Hover | null>(null);
  const frame = useFrame(drawing);
  const large = house.spots.length > SMALL;

  useEffect(() => {
    const show = () => drawing?.show({ statuses: seats?.statuses ?? null, chosen, mine, cursor: focused ? cursor : null });
    show();
    return seats?.watch(show);
  }, [drawing, seats, chosen, mine, cursor, focused]);
  useEffect(() => {
    if (focus == null) return;
    if ('block' in focus) drawing?.showBlock(focus.block);
    else drawing?.showSeats(focus.seats);
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

  return (
    <div class="seatmap" style={{ '--shape': String(Math.max(0.8, Math.min(2, house.width / house.height))) }}>
      <div class="seatmap-bar">
        {props.legend}
        <div class="seatmap-zoom" hidden={!large}>
          <button type="button" aria-label={words.zoomIn} onClick={() => drawing?.zoomBy(1.6, undefined, true)}>+</button>
          <button type="button" aria-label={words.zoomOut} onClick={() => drawing?.zoomBy(1 / 1.6, undefined, true)}>−</button>
          <button type="button" aria-label={words.whole} onClick={() => drawing?.fit()}>⤢</button>
        </div>
      </div>
      {large && (
        <p class="seatmap-lead">
          <span class="seatmap-where">{frame !== null && <Where house={house} frame={frame} words={words} />}</span>
          <span class="seatmap-hint" data-for="mouse">{words.mouseHint}</span>
          <span class="seatmap-hint" data-for="touch">{words.touchHint}</span>
        </p>
      )}
      <div class="seatmap-frame">
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
          <div class="unseen" role="row"><Cell key={cursor} {...props} cursor={cursor} /></div>
        </div>
        {frame !== null && <Overview house={house} frame={frame} onGo={(at) => drawing?.centre(at)} />}
        {hover !== null && <Tip {...props} hover={hover} width={holder.current?.clientWidth ?? 0} />}
      </div>
      <p id="seatmap-help" class="unseen">{words.mapHelp}</p>
    </div>
  );
}

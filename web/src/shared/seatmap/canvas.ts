// Draws a house on a canvas: thousands of seats stay fluid, since a frame copies one small picture for each look.

import type { House } from './house.ts';
import { drawNames, drawRows, drawStage, type Scene, type View } from './labels.ts';
import { FREE, HELD } from './live.ts';
import { type Palette, readPalette, tierColour, TIERS } from './palette.ts';
import type { Frame } from './where.ts';

export interface Marks {
  statuses: Uint8Array | null;
  chosen: ReadonlySet<number>;
  /** Held by this fan. */
  mine: ReadonlySet<number>;
  cursor: number | null;
}

/** Looks of a seat: a price's colour (0 to 4), held, sold. */
const HELD_LOOK = TIERS;
const SOLD_LOOK = TIERS + 1;
const RADIUS = 0.38;
const MARGIN = 14;
/** At the sides of a zoomed house there is room for the numbers of its rows. */
const SIDE = 26;
const MOST_PIXELS_A_SEAT = 48;
/** Seats smaller than this are hit by luck: a tap zooms in instead. */
export const TAPPABLE_PX = 15;
/** Seats that are shown to the fan have at least this size. */
const SHOWN_PX = 20;

export class SeatCanvas {
  #view: View = { scale: 1, x: 0, y: 0 };
  #size = { width: 0, height: 0 };
  #palette: Palette;
  #marks: Marks = { statuses: null, chosen: new Set(), mine: new Set(), cursor: null };
  #frame = 0;
  #glide = 0;
  #touched = false;
  /** The view that the listeners know of. */
  #told: View | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #seat = document.createElement('canvas');
  /** What a frame needs of each seat, packed. */
  readonly #x: Float32Array;
  readonly #y: Float32Array;
  readonly #tier: Uint8Array;

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly house: House,
    readonly stageName: string,
  ) {
    this.#palette = readPalette(canvas.parentElement ?? document.body);
    this.#x = Float32Array.from(house.spots, (spot) => spot.x);
    this.#y = Float32Array.from(house.spots, (spot) => spot.y);
    this.#tier = Uint8Array.from(house.spots, (spot) => tierColour(spot.tier, house.prices.length) - 1);
  }

  show(marks: Marks): void {
    this.#marks = marks;
    this.redraw();
  }

  retheme(): void {
    this.#palette = readPalette(this.canvas.parentElement ?? document.body);
    this.redraw();
  }

  resize(width: number, height: number): void {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    this.#size = { width, height };
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (!this.#touched) this.#view = this.#whole();
    this.#clamp();
    this.redraw();
  }

  /** What of the house is in view, in the house's own units. */
  get frame(): Frame {
    const { scale, x, y } = this.#view;
    const { width, height } = this.#size;
    return { left: -x / scale, top: -y / scale, right: (width - x) / scale, bottom: (height - y) / scale };
  }

  /** Tells when another part of the house has come into view, at most once a frame. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get pixelsPerSeat(): number {
    return this.#view.scale;
  }

  get zoomed(): boolean {
    return this.#view.scale > this.#whole().scale * 1.02;
  }

  fit(): void {
    this.#touched = false;
    this.#glideTo(this.#whole());
  }

  zoomBy(factor: number, at = { x: this.#size.width / 2, y: this.#size.height / 2 }, glide = false): void {
    const scale = this.#bounded(this.#view.scale * factor);
    const k = scale / this.#view.scale;
    const view = { scale, x: at.x - (at.x - this.#view.x) * k, y: at.y - (at.y - this.#view.y) * k };
    this.#touched = true;
    if (glide) this.#glideTo(view);
    else this.#set(view);
  }

  panBy(dx: number, dy: number): void {
    this.#touched = true;
    this.#set({ ...this.#view, x: this.#view.x + dx, y: this.#view.y + dy });
  }

  /** Moves that point of the house into the middle, as far as the house goes. */
  centre(at: { x: number; y: number }): void {
    const { scale } = this.#view;
    this.#touched = true;
    this.#set({ scale, x: this.#size.width / 2 - at.x * scale, y: this.#size.height / 2 - at.y * scale });
  }

  /** Fills the view with one section. */
  showBlock(index: number): void {
    const block = this.house.blocks[index];
    if (block === undefined) return;
    const { width, height } = this.#size;
    const scale = this.#bounded(
      Math.min((width - 2 * MARGIN) / (block.cols + 1), (height - 2 * MARGIN) / (block.rows + 2 + this.house.bend)),
    );
    const middle = { x: block.x + block.cols / 2, y: block.y + (block.rows - this.house.bend) / 2 };
    this.#touched = true;
    this.#glideTo({ scale, x: width / 2 - middle.x * scale, y: height / 2 - middle.y * scale });
  }

  /** Brings these seats into the middle, large enough to be told apart. */
  showSeats(indices: readonly number[]): void {
    const spots = indices.flatMap((index) => this.house.spots[index] ?? []);
    if (spots.length === 0) return;
    const scale = this.#bounded(Math.max(this.#view.scale, SHOWN_PX));
    const middle = (of: 'x' | 'y') => (Math.min(...spots.map((spot) => spot[of])) + Math.max(...spots.map((spot) => spot[of]))) / 2;
    this.#touched = true;
    this.#glideTo({ scale, x: this.#size.width / 2 - middle('x') * scale, y: this.#size.height / 2 - middle('y') * scale });
  }

  /** Moves as little as needed for that seat to be in view. */
  reveal(index: number): void {
    const spot = this.house.spots[index];
    if (spot === undefined || !this.zoomed) return;
    const { scale, x, y } = this.#view;
    const edge = scale * 1.5;
    const shift = (at: number, size: number) => Math.max(0, edge - at) - Math.max(0, at - (size - edge));
    this.#set({
      scale,
      x: x + shift(spot.x * scale + x, this.#size.width),
      y: y + shift(spot.y * scale + y, this.#size.height),
    });
  }

  /** The seat at a point of the canvas, in CSS pixels. */
  hit(x: number, y: number): number | null {
    const wx = (x - this.#view.x) / this.#view.scale;
    const wy = (y - this.#view.y) / this.#view.scale;
    let best: number | null = null;
    let nearest = 0.55 ** 2;
    this.house.spots.forEach((spot, index) => {
      const distance = (spot.x - wx) ** 2 + (spot.y - wy) ** 2;
      if (distance < nearest) [best, nearest] = [index, distance];
    });
    return best;
  }

  redraw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#glide);
  }

  #whole(): View {
    const { width, height } = this.#size;
    const fitting = Math.min((width - 2 * MARGIN) / this.house.width, (height - 2 * MARGIN) / this.house.height);
    // A map that is not laid out yet has no size, and a house no negative one.
    const scale = Math.min(MOST_PIXELS_A_SEAT, Math.max(1e-4, fitting));
    return {
      scale,
      x: (width - this.house.width * scale) / 2,
      y: Math.max(MARGIN, (height - this.house.height * scale) / 2),
    };
  }

  #bounded(scale: number): number {
    return Math.max(this.#whole().scale, Math.min(MOST_PIXELS_A_SEAT, scale));
  }

  #set(view: View): void {
    cancelAnimationFrame(this.#glide);
    this.#view = view;
    this.#clamp();
    this.redraw();
  }

  /** The house never leaves the view. */
  #clamp(): void {
    const { width, height } = this.#size;
    const { scale } = this.#view;
    const within = (at: number, size: number, content: number, margin: number) =>
      content <= size ? (size - content) / 2 : Math.min(margin, Math.max(size - content - margin, at));
    this.#view = {
      scale,
      x: within(this.#view.x, width, this.house.width * scale, SIDE),
      y: within(this.#view.y, height, this.house.height * scale, MARGIN),
    };
  }

  #glideTo(to: View): void {
    cancelAnimationFrame(this.#glide);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#set(to);
      return;
    }
    const from = this.#view;
    const began = performance.now();
    const frame = (now: number) => {
      const t = Math.min(1, (now - began) / 260);
      const k = 1 - (1 - t) ** 3;
      const mix = (a: number, b: number) => a + (b - a) * k;
      this.#view = { scale: mix(from.scale, to.scale), x: mix(from.x, to.x), y: mix(from.y, to.y) };
      this.#clamp();
      this.#draw();
      if (t < 1) this.#glide = requestAnimationFrame(frame);
    };
    this.#glide = requestAnimationFrame(frame);
  }

  #draw(): void {
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    const ratio = this.canvas.width / (this.#size.width || 1);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.#size.width, this.#size.height);
    const scene: Scene = { house: this.house, view: this.#view, palette: this.#palette, frame: this.frame };
    drawStage(context, scene, this.stageName);
    this.#drawSeats(context);
    drawNames(context, scene);
    drawRows(context, scene);
    this.#drawMarked(context);
    if (this.#told === this.#view) return;
    this.#told = this.#view;
    for (const listener of this.#listeners) listener();
  }

  /** Seats by their look, so that each look is drawn in one go. */
  #drawSeats(context: CanvasRenderingContext2D): void {
    const { statuses } = this.#marks;
    const { scale, x, y } = this.#view;
    const { width, height } = this.#size;
    const looks: number[][] = Array.from({ length: SOLD_LOOK + 1 }, () => []);
    for (let index = 0; index < this.#tier.length; index++) {
      const px = (this.#x[index] ?? 0) * scale + x;
      const py = (this.#y[index] ?? 0) * scale + y;
      if (px < -scale || py < -scale || px > width + scale || py > height + scale) continue;
      const status = statuses === null ? FREE : statuses[index];
      const look = status === FREE ? (this.#tier[index] ?? 0) : status === HELD ? HELD_LOOK : SOLD_LOOK;
      looks[look]?.push(index);
    }
    const { tiers, held, sold } = this.#palette;
    looks.forEach((seats, look) => {
      if (seats.length === 0) return;
      const colour = look === SOLD_LOOK ? sold : look === HELD_LOOK ? held : (tiers[look] ?? held);
      this.#stamp(context, seats, colour, Math.max(0.7, (look === SOLD_LOOK ? 0.14 : RADIUS) * scale));
    });
  }

  /** One seat is drawn once and then copied: less work than a circle for each. */
  #stamp(context: CanvasRenderingContext2D, seats: readonly number[], colour: string, radius: number): void {
    const { scale, x, y } = this.#view;
    const ratio = this.canvas.width / (this.#size.width || 1);
    const round = scale >= 5;
    // Small seats are squares, rounded down so that a gap is left between them.
    const size = round ? Math.ceil(2 * radius * ratio) + 2 : Math.max(1, Math.floor(2 * radius * ratio));
    const seat = this.#seat;
    seat.width = size;
    seat.height = size;
    const inside = seat.getContext('2d');
    if (inside === null) return;
    inside.fillStyle = colour;
    if (!round) inside.fillRect(0, 0, size, size);
    else {
      inside.arc(size / 2, size / 2, radius * ratio, 0, 2 * Math.PI);
      inside.fill();
    }
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (const index of seats) {
      // On whole pixels the copy needs no blending.
      const left = Math.round(((this.#x[index] ?? 0) * scale + x) * ratio - size / 2);
      const top = Math.round(((this.#y[index] ?? 0) * scale + y) * ratio - size / 2);
      context.drawImage(seat, left, top);
    }
    context.restore();
  }

  #drawMarked(context: CanvasRenderingContext2D): void {
    const { chosen, mine, cursor } = this.#marks;
    const { scale, x, y } = this.#view;
    for (const index of new Set([...chosen, ...mine])) {
      const spot = this.house.spots[index];
      if (spot === undefined) continue;
      const [px, py] = [spot.x * scale + x, spot.y * scale + y];
      const r = Math.max(4, 0.46 * scale);
      context.beginPath();
      context.arc(px, py, r, 0, 2 * Math.PI);
      context.fillStyle = this.#palette.accent;
      context.fill();
      if (r < 5) continue;
      context.beginPath();
      context.moveTo(px - r * 0.42, py + r * 0.02);
      context.lineTo(px - r * 0.1, py + r * 0.34);
      context.lineTo(px + r * 0.45, py - r * 0.32);
      context.strokeStyle = this.#palette.onAccent;
      context.lineWidth = Math.max(1.2, r * 0.2);
      context.lineCap = 'round';
      context.lineJoin = 'round';
      context.stroke();
    }
    const at = cursor === null ? undefined : this.house.spots[cursor];
    if (at === undefined) return;
    context.beginPath();
    context.arc(at.x * scale + x, at.y * scale + y, Math.max(7, 0.62 * scale), 0, 2 * Math.PI);
    context.strokeStyle = this.#palette.ink;
    context.lineWidth = 2.5;
    context.stroke();
  }
}

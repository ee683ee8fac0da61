// The seats of one date, live. Statuses change many times a second in a rush, so they live in a byte each and only the
// canvas and the counts hear of a change, not the whole page.

import type { Client } from '@urql/preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useQuery } from '@urql/preact';
import { SeatAvailabilityDocument, type SeatAvailabilitySubscription, SeatsDocument } from '../../gql/graphql.ts';
import type { CombinedError } from '@urql/preact';
import { type House, layOut } from './house.ts';

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;
/** Not heard of yet. */
export const UNKNOWN = 3;

const code = { AVAILABLE: FREE, HELD, RESERVED: SOLD };
type Change = NonNullable<SeatAvailabilitySubscription['seatAvailability']>;

export class LiveSeats {
  readonly statuses: Uint8Array;
  readonly free: number[];
  #version: number | null = null;
  readonly #index: Map<number, number>;
  readonly #listeners = new Set<() => void>();

  constructor(readonly house: House) {
    this.statuses = new Uint8Array(house.spots.length).fill(UNKNOWN);
    this.free = house.blocks.map(() => 0);
    this.#index = new Map(house.spots.map((spot, index) => [spot.number, index]));
  }

  /** False where something was missed between the last change and this one: ask again. */
  apply(change: Change): boolean {
    if (!change.snapshot) {
      if (this.#version === null || change.version > this.#version + 1) return false;
      if (change.version <= this.#version) return true;
    }
    this.#version = change.version;
    for (const { number, status } of change.seats) {
      const index = this.#index.get(number);
      if (index !== undefined) this.statuses[index] = code[status];
    }
    this.#count();
    for (const listener of this.#listeners) listener();
    return true;
  }

  get known(): boolean {
    return this.#version !== null;
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #count(): void {
    this.free.fill(0);
    this.house.spots.forEach((spot, index) => {
      if (this.statuses[index] === FREE) this.free[spot.block] = (this.free[spot.block] ?? 0) + 1;
    });
  }
}

/** No faster than this after a gap, so that a server that skips versions is not asked in a circle. */
const ASK_AGAIN_MS = 1_000;

function follow(client: Client, seriesId: string, seats: LiveSeats): () => void {
  let again: ReturnType<typeof setTimeout> | undefined;
  let watched: { unsubscribe(): void } | undefined;
  const start = () => {
    again = undefined;
    watched = client.subscription(SeatAvailabilityDocument, { seriesId }).subscribe(({ data }) => {
      if (data?.seatAvailability == null || again !== undefined) return;
      if (!seats.apply(data.seatAvailability)) {
        again = setTimeout(() => {
          watched?.unsubscribe();
          start();
        }, ASK_AGAIN_MS);
      }
    });
  };
  start();
  return () => {
    clearTimeout(again);
    watched?.unsubscribe();
  };
}

interface Loaded {
  seats: LiveSeats | null;
  error: CombinedError | undefined;
  again(): void;
}

/** The laid-out house of a date with its live statuses; null until the seats are loaded, or with the error why not. */
export function useLiveSeats(client: Client, seriesId: string): Loaded {
  const [{ data, error }, ask] = useQuery({ query: SeatsDocument, variables: { seriesId } });
  const list = data?.seats;
  const seats = useMemo(() => (list == null ? null : new LiveSeats(layOut(list))), [list]);
  useEffect(() => (seats === null ? undefined : follow(client, seriesId, seats)), [client, seriesId, seats]);
  return { seats, error, again: () => ask({ requestPolicy: 'network-only' }) };
}

/** Renders again when a seat changes, at most once a frame. */
export function useChanges(seats: LiveSeats | null): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (seats === null) return undefined;
    let frame = 0;
    const stop = seats.watch(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setTurn((n) => n + 1);
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      stop();
    };
  }, [seats]);
  return turn;
}

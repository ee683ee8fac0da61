// The seats of one date, live. Statuses change many times a second in a rush, so they live in a byte each and only the
// canvas and the counts hear of a change, not the whole page.

import type { Client, CombinedError } from '@urql/preact';
import { useQuery } from '@urql/preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { SeatAvailabilityDocument, type SeatAvailabilitySubscription, SeatMapDocument, type SeatMapQuery } from '../../gql/graphql.ts';
import type { Renewed } from '../client.ts';
import { type House, layOut } from './house.ts';

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;

const code = { AVAILABLE: FREE, HELD, RESERVED: SOLD };
const letters: Record<string, number> = { A: FREE, H: HELD, R: SOLD };
export type News = NonNullable<SeatAvailabilitySubscription['seatAvailability']>;
type Drawn = NonNullable<SeatMapQuery['seriesById']>;

export class LiveSeats {
  /** By the number of the seat, the first that of seat 1: as `House.spots`. */
  readonly statuses: Uint8Array;
  readonly free: number[];
  #version: number;
  readonly #listeners = new Set<() => void>();

  constructor(readonly house: House, states: string, version: number) {
    this.statuses = new Uint8Array(house.spots.length).fill(SOLD);
    this.free = house.blocks.map(() => 0);
    this.#version = version;
    this.#read(states);
    this.#count();
  }

  static of({ layout, seatStates, seatsVersion }: Pick<Drawn, 'layout' | 'seatStates' | 'seatsVersion'>): LiveSeats {
    return new LiveSeats(layOut(layout), seatStates, seatsVersion);
  }

  /** Up to where everything is known. */
  get version(): number {
    return this.#version;
  }

  /** False where something was missed between what is known and this: ask again. */
  apply({ since, version, snapshot, states, seats }: News): boolean {
    if (!snapshot && since > this.#version) return false;
    if (!snapshot && version <= this.#version) return true;
    this.#version = version;
    if (snapshot) this.#read(states ?? '');
    for (const { number, status } of seats) {
      if (number <= this.statuses.length) this.statuses[number - 1] = code[status];
    }
    this.#count();
    for (const listener of this.#listeners) listener();
    return true;
  }

  #read(states: string): void {
    for (let index = 0; index < this.statuses.length; index++) {
      const status = letters[states[index] ?? ''];
      if (status !== undefined) this.statuses[index] = status;
    }
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
  // Whoever comes back after a lost line is told of what was missed, and not of the whole house.
  const renewed: Renewed = () => ({ sinceVersion: seats.version });
  const start = () => {
    again = undefined;
    const variables = { seriesId, sinceVersion: seats.version };
    watched = client.subscription(SeatAvailabilityDocument, variables, { renewed }).subscribe(({ data }) => {
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

/** The laid-out house of a date with its live statuses; null until it is loaded, or with the error why not. */
export function useLiveSeats(client: Client, seriesId: string): Loaded {
  const [{ data, error }, ask] = useQuery({ query: SeatMapDocument, variables: { seriesId } });
  const drawn = data?.seriesById ?? null;
  // What is asked for again later is older than what the news have told since.
  const seats = useMemo(() => (drawn === null ? null : LiveSeats.of(drawn)), [drawn?.id]);
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

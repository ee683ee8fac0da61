// What a place in line means. Pure.

import type { PositionFragment } from '../gql/graphql.ts';

export type Odds = 'sure' | 'likely' | 'slim' | 'none';

/** The odds of getting a seat, with `ahead` people before and `seats` still on sale. */
export function oddsOf(ahead: number, seats: number, maxSeatsPerUser: number): Odds {
  if (seats === 0) return 'none';
  if (seats > ahead * maxSeatsPerUser) return 'sure';
  return seats > ahead ? 'likely' : 'slim';
}

/** How much of the way from the place first had to the door lies behind, 0 to 1. */
export function progressOf(from: number | null, number: number): number {
  const start = Math.max(from ?? number, number);
  return start === 0 ? 1 : (start - number) / start;
}

/** Whether a place is worth saying aloud after another: every step near the front, bigger ones farther back. */
export function spokenAt(said: number, number: number): boolean {
  if (number === said) return false;
  return number <= 10 || number > said || said - number >= Math.max(1, Math.floor(said / 10));
}

type Known = Pick<PositionFragment, 'status' | 'position'>;

const rank: Record<Known['status'], number> = { WAITING: 0, ADMITTED: 1, COMPLETED: 2, EXPIRED: 2, LEFT: 2 };
/** Before the draw nobody has a number yet. */
const ahead = ({ position }: Known) => position ?? Infinity;

/**
 * The later of two accounts of one place. An answer may have been on its way for longer than the news that overtook it:
 * but a place never goes back, so the one that is further on is the later one. `one`, where they are equally far.
 */
export function later<Account extends Known>(one: Account | null | undefined, other: Account | null | undefined): Account | null {
  if (one == null || other == null) return one ?? other ?? null;
  const lead = rank[one.status] - rank[other.status];
  if (lead !== 0) return lead > 0 ? one : other;
  return ahead(one) <= ahead(other) ? one : other;
}

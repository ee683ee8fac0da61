// What a place in line means. Pure.

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

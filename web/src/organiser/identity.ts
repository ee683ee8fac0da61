// Who is organising: an identity token, kept in this tab's session storage and nowhere else.
//
// What the token says is read only to greet and to refuse early; whether it is true is the server's to say.

import { keep, recallText, store } from '../shared/store.ts';

const KEY = 'frontrow.organiser';

export interface Organiser {
  jwt: string;
  user: string;
  name: string;
  admin: boolean;
}

/** Why somebody is not, or no longer, signed in. `forged`: the server did not make this token. */
export type Refusal = 'malformed' | 'expired' | 'role' | 'forged';

interface Claims {
  sub?: unknown;
  name?: unknown;
  roles?: unknown;
  exp?: unknown;
}

function claimsOf(jwt: string): Claims | null {
  const part = jwt.split('.')[1];
  if (part === undefined || jwt.split('.').length !== 3) return null;
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
  } catch {
    return null;
  }
}

/** Reads a pasted token, with or without `Bearer`, as of `now` in milliseconds. */
export function read(pasted: string, now: number): Organiser | Refusal {
  const jwt = pasted.trim().replace(/^Bearer\s+/i, '');
  const claims = claimsOf(jwt);
  if (claims === null || typeof claims.sub !== 'string') return 'malformed';
  if (typeof claims.exp === 'number' && claims.exp * 1000 <= now) return 'expired';
  const roles: unknown[] = Array.isArray(claims.roles) ? claims.roles : [];
  const admin = roles.includes('ADMIN');
  if (!admin && !roles.includes('ORGANIZER')) return 'role';
  return { jwt, user: claims.sub, name: typeof claims.name === 'string' ? claims.name : claims.sub, admin };
}

function kept(): Organiser | null {
  const found = read(recallText(sessionStorage, KEY), Date.now());
  return typeof found === 'string' ? null : found;
}

export const organiser = store<Organiser | null>(kept());

/** Why the last one who was signed in no longer is; null if nothing is to be said of it. */
export const refusal = store<Refusal | null>(null);

export function signIn(who: Organiser): void {
  keep(sessionStorage, KEY, who.jwt);
  refusal.set(null);
  organiser.set(who);
}

/** `why`: said in the form that shows up, where it was not the organiser's own wish. */
export function signOut(why: Refusal | null = null): void {
  sessionStorage.removeItem(KEY);
  refusal.set(why);
  organiser.set(null);
}

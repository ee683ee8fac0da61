// Whether the live connection lives, found out by asking. A browser tells of a line that was cut only when it notices
// itself, which takes minutes; a fan in line has to know within five seconds. Pure: time and the line are handed in.

export interface Line {
  /** Sends a ping, which the server answers at once. */
  ask(): void;
  /** Gives the socket up, so that another one is tried. */
  hangUp(): void;
  tell(state: 'live' | 'lost'): void;
  /** Runs something later; what it returns takes it back. */
  after(ms: number, run: () => void): () => void;
  now(): number;
  /** What the browser believes. It may be wrong both ways. */
  online(): boolean;
}

/**
 * How often a line that says nothing is asked, how long an answer may take before the fan is told, and before the socket
 * is given up. Somebody who waits is told within five seconds: 2.8 and 2. Elsewhere a large answer may be on its way, which
 * keeps the pong behind it waiting; there nobody is worried early.
 */
const WATCHFUL = { every: 2_800, tell: 2_000, give: 10_000 };
const CALM = { every: 10_000, tell: 8_000, give: 20_000 };
/** How long opening a socket may take, until the fan is told and until another one is tried. */
const OPENING = { tell: 4_000, give: 10_000 };
/** What was on its way when the browser went offline still comes in, and says nothing of the time after. */
const LATECOMERS_MS = 1_500;

export interface Pulse {
  opening(): void;
  connected(): void;
  heard(): void;
  closed(): void;
  offline(): void;
  /** The browser is online again, or the page in view: asks at once. */
  wake(): void;
  watch(closely: boolean): void;
}

export function makePulse(line: Line): Pulse {
  let state: 'closed' | 'opening' | 'open' = 'closed';
  let closely = false;
  let wentOffline = -Infinity;
  let waiting: (() => void)[] = [];

  const later = (ms: number, run: () => void) => waiting.push(line.after(ms, run));
  const stop = () => {
    for (const cancel of waiting) cancel();
    waiting = [];
  };
  const pace = () => (closely ? WATCHFUL : CALM);
  const doubt = ({ tell, give }: { tell: number; give: number }) => {
    later(tell, () => line.tell('lost'));
    later(give, () => line.hangUp());
  };
  const ask = () => {
    stop();
    doubt(pace());
    insist();
  };
  // A line that comes back is found at the same pace as one that is lost.
  const insist = () => {
    line.ask();
    later(pace().every, insist);
  };
  const rest = () => {
    stop();
    later(pace().every, ask);
  };
  return {
    opening: () => {
      state = 'opening';
      stop();
      doubt(OPENING);
    },
    connected: () => {
      state = 'open';
      line.tell('live');
      rest();
    },
    heard: () => {
      if (state !== 'open') return;
      rest();
      if (line.online() || line.now() - wentOffline > LATECOMERS_MS) line.tell('live');
    },
    closed: () => {
      state = 'closed';
      stop();
    },
    offline: () => {
      wentOffline = line.now();
      line.tell('lost');
    },
    wake: () => {
      if (state === 'open') ask();
      // A socket that was being opened while there was no network may hang for minutes.
      else if (state === 'opening') line.hangUp();
    },
    watch: (next) => {
      if (next === closely) return;
      closely = next;
      if (state === 'open') ask();
    },
  };
}

import { expect, test } from '@playwright/test';
import { makePulse } from './pulse.ts';

/** A line whose other end and whose clock are the test's. */
function line() {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const seen = { state: 'idle', asked: 0, hungUp: 0, online: true };
  const pulse = makePulse({
    ask: () => void seen.asked++,
    hangUp: () => void seen.hungUp++,
    tell: (state) => void (seen.state = state),
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
    now: () => now,
    online: () => seen.online,
  });
  const pass = (ms: number, answers = false) => {
    for (const end = now + ms; now < end; ) {
      now += 100;
      const before = seen.asked;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers = timers.filter((other) => other !== timer);
        timer.run();
      }
      if (answers && seen.asked > before) pulse.heard();
    }
  };
  return { pulse, seen, pass };
}

test('in line, a dead line is told within five seconds, wherever in its rhythm it dies', () => {
  for (let lived = 0; lived < 6_000; lived += 100) {
    const { pulse, seen, pass } = line();
    pulse.watch(true);
    pulse.opening();
    pulse.connected();
    pass(lived, true);
    expect(seen.state).toBe('live');
    pass(5_000);
    expect(seen.state, `died after ${lived} ms`).toBe('lost');
  }
});

test('a line that answers is live for as long as it does, and is given up when it does not', () => {
  const { pulse, seen, pass } = line();
  pulse.watch(true);
  pulse.connected();
  pass(600_000, true);
  expect(seen).toMatchObject({ state: 'live', hungUp: 0 });
  pass(20_000);
  expect(seen.hungUp).toBe(1);
});

test('whatever is heard is a sign of life, and nothing is asked meanwhile', () => {
  const { pulse, seen, pass } = line();
  pulse.watch(true);
  pulse.connected();
  for (let i = 0; i < 100; i++) {
    pass(1_000);
    pulse.heard();
  }
  expect(seen).toMatchObject({ state: 'live', asked: 0 });
});

test('a line that comes back is told', () => {
  const { pulse, seen, pass } = line();
  pulse.watch(true);
  pulse.connected();
  pass(5_000);
  expect(seen.state).toBe('lost');
  pass(4_000, true);
  expect(seen).toMatchObject({ state: 'live', hungUp: 0 });
});

test('offline is told at once, and what was on its way then does not take it back', () => {
  const { pulse, seen, pass } = line();
  pulse.connected();
  seen.online = false;
  pulse.offline();
  expect(seen.state).toBe('lost');
  pulse.heard();
  expect(seen.state).toBe('lost');
  seen.online = true;
  pulse.wake();
  expect(seen.asked).toBe(1);
  pulse.heard();
  expect(seen.state).toBe('live');
  // A browser that is wrong about it is believed no longer than the line is silent.
  seen.online = false;
  pulse.offline();
  pass(2_000);
  pulse.heard();
  expect(seen.state).toBe('live');
});

test('a socket that does not open is told, and tried anew; at once when the network is back', () => {
  const { pulse, seen, pass } = line();
  pulse.opening();
  pass(4_900);
  expect(seen).toMatchObject({ state: 'lost', hungUp: 0 });
  pulse.wake();
  expect(seen.hungUp).toBe(1);
  pulse.closed();
  pulse.opening();
  pass(10_000);
  expect(seen.hungUp).toBe(2);
});

test('while choosing, an answer behind a large snapshot worries nobody', () => {
  const { pulse, seen, pass } = line();
  pulse.connected();
  pass(17_000);
  expect(seen).toMatchObject({ state: 'live', hungUp: 0 });
});

test('nothing runs on after the socket is closed', () => {
  const { pulse, seen, pass } = line();
  pulse.connected();
  pulse.closed();
  pass(60_000);
  expect(seen).toMatchObject({ asked: 0, hungUp: 0 });
});

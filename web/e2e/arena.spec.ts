import { arena, choosing, expect, holdButton, holdByApi, joinByApi, joinLine, makeSale, test } from './stage.ts';

const FRAMES = 40;

/** What may come in before an arena is drawn: the answers as they are sent, and the frames of the socket. */
const KILOBYTES = 12;

test('an arena in the middle of its sale is drawn from few bytes', async ({ page, server }) => {
  const sale = await makeSale(server, { sections: arena, policy: { maxActive: 1_000 } });
  for (let i = 0; i < 20; i++) await holdByApi(server, await joinByApi(server, sale));
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  const questions = new Map<string, string>();
  const came: [string, number][] = [];
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (request.url.endsWith('/graphql')) questions.set(requestId, /(?:query|mutation) (\w+)/.exec(request.postData ?? '')?.[1] ?? '');
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const question = questions.get(requestId);
    if (question !== undefined) came.push([question, encodedDataLength]);
  });
  cdp.on('Network.webSocketFrameReceived', ({ response }) => came.push(['a frame', response.payloadData.length]));
  await joinLine(page, server, sale);
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Floor on the map, 150,000 pts, 1,920 free/ })).toBeVisible();
  await expect.poll(() => came.some(([what]) => what === 'SeatMap')).toBe(true);
  const bytes = came.reduce((sum, [, length]) => sum + length, 0);
  expect(bytes, JSON.stringify(came)).toBeGreaterThan(1_000);
  expect(bytes, JSON.stringify(came)).toBeLessThan(KILOBYTES << 10);
});

test('an arena of 5,000 seats is drawn once a frame, and a seat is a copy', async ({ page, server }) => {
  // What a frame costs is measured by `npm run bench`. What makes it cheap does not depend on the machine, and is
  // counted here.
  await page.addInitScript(() => {
    const calls: Record<string, number> = {};
    const painter = CanvasRenderingContext2D.prototype;
    const count = (name: 'clearRect' | 'drawImage' | 'arc' | 'fillRect' | 'fill' | 'stroke') => {
      const inner: (...args: never[]) => void = painter[name];
      painter[name] = function (this: CanvasRenderingContext2D, ...args: never[]) {
        calls[name] = (calls[name] ?? 0) + 1;
        inner.apply(this, args);
      };
    };
    for (const name of ['clearRect', 'drawImage', 'arc', 'fillRect', 'fill', 'stroke'] as const) count(name);
    Object.assign(window, { calls });
  });
  await joinLine(page, server, await makeSale(server, { sections: arena }));
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Floor on the map, 150,000 pts, 2,000 free/ })).toBeVisible();
  const calls = await page.locator('canvas').evaluate(async (element, frames) => {
    const counted = (window as unknown as { calls: Record<string, number> }).calls;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    for (const name of Object.keys(counted)) counted[name] = 0;
    const { left, top, width, height } = element.getBoundingClientRect();
    for (let i = 0; i < frames; i++) {
      // More comes in between two frames than can be shown.
      for (let n = 0; n < 3; n++) {
        const at = { clientX: left + width / 2, clientY: top + height / 2, ctrlKey: true, cancelable: true };
        element.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: i < frames / 2 ? -7 : 7 }));
      }
      await frame();
    }
    return counted;
  }, FRAMES);
  expect(calls['clearRect']).toBe(FRAMES);
  expect(calls['drawImage']).toBeGreaterThan(500 * FRAMES);
  expect(calls['drawImage']).toBeLessThanOrEqual(5_000 * FRAMES);
  // A shape for each of the seven looks of a seat, and the stage.
  const shapes = ['arc', 'fillRect', 'fill', 'stroke'].map((name) => calls[name] ?? 0);
  expect(Math.max(...shapes)).toBeLessThanOrEqual(8 * FRAMES);
});

test('a finger zooms in on an arena first, then picks', async ({ browser, server }) => {
  const sections = [{ name: 'Floor', rows: 50, cols: 60, price: 90_000 }];
  const sale = await makeSale(server, { sections });
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: 'en-GB' });
  const page = await phone.newPage();
  await joinLine(page, server, sale);
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Floor on the map.* 3,000 free/ })).toBeVisible();
  const canvas = page.locator('canvas');
  await canvas.tap({ position: { x: 150, y: 120 } });
  await expect(canvas).toHaveCSS('touch-action', 'none');
  await expect(holdButton(page)).toHaveCount(0);
  await canvas.tap({ position: { x: 150, y: 120 } });
  await expect(page.getByRole('button', { name: 'Hold 1 seat ·' })).toBeVisible();
  await phone.close();
});

// What a frame of the seat map costs, beside the plain way of drawing it, in the same page: `npm run bench`.

import type { Browser } from '@playwright/test';
import { arena, choosing, expect, joinLine, makeSale, test } from './stage.ts';

const FRAMES = 60;

/** The processor time of the whole browser for one frame, in milliseconds, while `frames` draws that many. */
async function frameMs(browser: Browser, frames: (count: number) => Promise<void>): Promise<number> {
  const cdp = await browser.newBrowserCDPSession();
  const busyMs = async () => {
    const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
    return 1_000 * processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const before = await busyMs();
  await frames(FRAMES);
  const spent = (await busyMs()) - before;
  await cdp.detach();
  return spent / FRAMES;
}

test('an arena of 5,000 seats', async ({ browser, page, server }) => {
  await joinLine(page, server, await makeSale(server, { sections: arena }));
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Floor on the map, 150,000 pts, 2,000 free/ })).toBeVisible();
  const canvas = page.locator('canvas');

  const map = (count: number) => canvas.evaluate(async (element, frames) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    for (let i = 0; i < frames; i++) {
      const at = { clientX: left + width / 2, clientY: top + height / 2, ctrlKey: true, cancelable: true };
      element.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: i < frames / 2 ? -20 : 20 }));
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, count);

  const plain = (count: number) => canvas.evaluate(async (element: HTMLCanvasElement, frames) => {
    const context = element.getContext('2d')!;
    for (let i = 0; i < frames; i++) {
      context.clearRect(0, 0, element.width, element.height);
      for (let seat = 0; seat < 5_000; seat++) {
        context.fillStyle = seat % 2 === 0 ? 'teal' : 'orange';
        context.beginPath();
        context.arc(10 + (seat % 100) * 9, 10 + Math.floor(seat / 100) * 9, 4, 0, 2 * Math.PI);
        context.fill();
      }
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, count);

  const costs = { map: [] as number[], plain: [] as number[] };
  for (let round = 0; round < 3; round++) {
    costs.plain.push(await frameMs(browser, plain));
    costs.map.push(await frameMs(browser, map));
  }
  const median = (of: number[]) => [...of].sort((a, b) => a - b)[1] ?? NaN;
  const [ours, theirs] = [median(costs.map), median(costs.plain)];
  console.log(
    `a frame of 5,000 seats: ${ours.toFixed(1)} ms of processor time; a circle for each seat: ${theirs.toFixed(1)} ms ` +
      `(${(theirs / ours).toFixed(1)} times as much)`,
  );
});

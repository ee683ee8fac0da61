// What the eye sees: nothing wider than the page, nothing over what explains, nothing cut, nothing that sticks.

import type { Locator, Page } from '@playwright/test';
import { arena, choosing, dateUrl, expect, holdByApi, hoverSeat, joinByApi, joinLine, makeSale, pickSeat, test } from './stage.ts';

const phone = { viewport: { width: 360, height: 760 }, hasTouch: true, isMobile: true, locale: 'en-GB', reducedMotion: 'reduce' } as const;

/** The page is not wider than the screen. What is wider inside scrolls by itself. */
async function fits(page: Page, where: string): Promise<void> {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(content, where).toBeLessThanOrEqual(screen ?? 0);
}

/** Each of these can be seen whole: what is painted at its middle is the thing itself. */
async function uncovered(found: Locator): Promise<void> {
  await expect(found.first()).toBeVisible();
  for (const one of await found.all()) {
    const name = await one.evaluate((element) => {
      element.scrollIntoView({ block: 'center' });
      const box = element.getBoundingClientRect();
      const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return top !== null && (element === top || element.contains(top) || top.contains(element)) ? null : (top?.outerHTML ?? 'nothing').slice(0, 200);
    });
    expect(name).toBeNull();
  }
}

const longest = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk'.repeat(4).slice(0, 200);
const houses = {
  'wide and shallow': [{ name: 'Promenade', rows: 2, cols: 400, price: 10_000 }],
  'one long row': [{ name: longest.slice(0, 50), rows: 1, cols: 1_000, price: 2_000_000 }],
  'deep and narrow': [{ name: 'Corridor', rows: 400, cols: 2, price: 10_000 }],
  'one seat': [{ name: 'S', rows: 1, cols: 1, price: 1 }],
  'many sections': Array.from({ length: 24 }, (_, i) => ({ name: `${longest.slice(0, 45)} ${i}`, rows: 2, cols: 30, price: 1_000 + i })),
};

for (const [kind, sections] of Object.entries(houses)) {
  test(`a house that is ${kind} does not widen the phone's page`, async ({ browser, server }) => {
    const context = await browser.newContext(phone);
    const page = await context.newPage();
    const sale = await makeSale(server, { title: longest, sections });
    await page.goto(server.url);
    await expect(page.locator('.poster').first()).toBeVisible();
    await fits(page, 'concerts');
    await page.goto(`${server.url}/#/concert/${sale.concertId}`);
    await expect(page.locator('.date')).toBeVisible();
    await fits(page, 'concert');
    await page.goto(dateUrl(server, sale));
    await expect(page.locator('.seatmap')).toBeVisible();
    await fits(page, 'before the line');
    const map = await page.locator('.seatmap-view').boundingBox();
    expect(map?.width).toBeLessThanOrEqual(phone.viewport.width);
    expect(map?.height).toBeGreaterThan(200);
    await joinLine(page, server, sale, longest.slice(0, 80));
    await choosing(page);
    await expect(page.locator('.sections-free').first()).toHaveText(/free/);
    await page.getByRole('button', { name: 'Find the best seats' }).click();
    await expect(page.locator('.chip').first().or(page.getByText('side by side there'))).toBeVisible();
    await fits(page, 'choosing');
    await page.goto(`${server.url}/organiser/`);
    await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.locator('.rows a').first()).toBeVisible();
    await fits(page, 'my concerts');
    await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/${sale.seriesId}`);
    await expect(page.locator('.seatmap')).toBeVisible();
    await fits(page, 'the board');
    await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/new`);
    await expect(page.locator('.seatmap')).toBeVisible();
    await fits(page, 'a new date');
    await context.close();
  });
}

/** What is written on the canvas since it was last asked. */
const written = (page: Page) => page.evaluate(() => (window as unknown as { written: string[] }).written.splice(0));

test('a zoomed map shows rows, section and where one is', async ({ page, server }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.addInitScript(() => {
    const texts: string[] = [];
    const fill = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      texts.push(text);
      fill.call(this, text, ...rest);
    };
    Object.assign(window, { written: texts });
  });
  await joinLine(page, server, await makeSale(server, { sections: arena }));
  await choosing(page);
  await expect(page.getByRole('button', { name: /Show Tier East on the map.* 1,500 free/ })).toBeVisible();
  await expect(page.locator('.seatmap-overview')).toHaveCount(0);
  expect((await written(page)).filter((text) => /^\d+$/.test(text))).toEqual([]);

  await page.getByRole('button', { name: /Show Tier East on the map/ }).click();
  for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Zoom in' }).click();
  await expect(page.locator('.seatmap-where')).toHaveText(/^Tier East, rows \d+ to \d+/);
  await expect(page.locator('.seatmap-overview')).toBeVisible();
  await written(page);
  // The first rows and the name above them are out of view: the name stands at the top of the map, the rows at its side.
  const canvas = page.locator('.seatmap-view canvas');
  await canvas.hover();
  await page.mouse.down();
  await page.mouse.move(300, 200, { steps: 3 });
  await page.mouse.up();
  await written(page);
  // Night draws the map once more.
  let last: string[] = [];
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(async () => {
    last = await written(page);
    return last.length;
  }).toBeGreaterThan(0);
  const [, first = 0, end = 0] = ((await page.locator('.seatmap-where').innerText()).match(/rows (\d+) to (\d+)/) ?? []).map(Number);
  expect(end).toBeGreaterThan(first);
  // The rows bend, so the ones at the side differ by a few from those in the middle.
  const rows = [...new Set(last.filter((text) => /^\d+$/.test(text)).map(Number))].sort((a, b) => a - b);
  expect(rows).toEqual(rows.map((_, nth) => (rows[0] ?? 0) + nth));
  expect(Math.abs((rows[0] ?? 0) - first)).toBeLessThan(6);
  expect(Math.abs((rows.at(-1) ?? 0) - end)).toBeLessThan(6);
  expect(last).toContain('Tier East');

  // A click in the small house moves the map there.
  await page.locator('.seatmap-overview').click({ position: { x: 20, y: 80 } });
  await expect(page.locator('.seatmap-where')).toHaveText(/^(Tier West|Floor), /);
  await page.getByRole('button', { name: 'Whole house' }).click();
  await expect(page.locator('.seatmap-overview')).toHaveCount(0);
  await expect(page.locator('.seatmap-where')).toHaveText('');
});

test('how to zoom is written below the map, for mice and for fingers', async ({ page, browser, server }) => {
  const sale = await makeSale(server, { sections: arena });
  await page.goto(dateUrl(server, sale));
  await expect(page.getByText('Ctrl (or ⌘) and the wheel zoom')).toBeVisible();
  await expect(page.getByText('Tap or pinch to zoom')).toBeHidden();
  const context = await browser.newContext(phone);
  const touch = await context.newPage();
  await touch.goto(dateUrl(server, sale));
  await expect(touch.getByText('Tap or pinch to zoom')).toBeVisible();
  await expect(touch.getByText('Ctrl (or ⌘) and the wheel zoom')).toBeHidden();
  await context.close();
});

for (const [size, viewport] of Object.entries({ phone: { width: 390, height: 700 }, desktop: { width: 1280, height: 720 } })) {
  test(`nothing covers the legend or the buttons of the map (${size})`, async ({ page, context, server }) => {
    await page.setViewportSize(viewport);
    await joinLine(page, server, await makeSale(server, { sections: arena }));
    await choosing(page);
    const explains = page.locator('.legend li, .seatmap-zoom button');
    await expect(explains).toHaveCount(7);
    await uncovered(explains);
    await pickSeat(page, /row 1, seat 1, .*free/);
    await page.getByRole('button', { name: 'Find the best seats' }).click();
    await uncovered(explains);
    // The tip of a seat in the first row stands over the map alone.
    await page.getByRole('button', { name: 'Whole house' }).click();
    await hoverSeat(page);
    const view = await page.locator('.seatmap-view').boundingBox();
    const box = await page.locator('.seatmap-tip').boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(view?.y ?? Infinity);
    await context.setOffline(true);
    await expect(page.locator('.link-banner')).toHaveAttribute('data-shown', 'true');
    await page.evaluate(() => scrollTo(0, 0));
    await uncovered(explains);
    await context.setOffline(false);
  });
}

test('a tip goes when the seat below it has moved', async ({ page, server }) => {
  await page.setViewportSize({ width: 1000, height: 600 });
  await page.goto(dateUrl(server, await makeSale(server, { sections: arena })));
  await expect(page.locator('.sections-free').first()).toHaveText(/free/);
  const tip = page.locator('.seatmap-tip');
  const canvas = page.locator('.seatmap-view canvas');
  await hoverSeat(page);
  // Back up, since the map stands at the top of the window now.
  await page.mouse.wheel(0, -60);
  await expect(tip).toHaveCount(0);
  await hoverSeat(page);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -120);
  await page.keyboard.up('Control');
  await expect(tip).toHaveCount(0);
  await hoverSeat(page);
  await canvas.dispatchEvent('pointerleave');
  await expect(tip).toHaveCount(0);
});

test('a tip says what the seat is now', async ({ page, server }) => {
  const sale = await makeSale(server);
  const fan = await joinByApi(server, sale);
  await page.goto(dateUrl(server, sale));
  await expect(page.locator('.sections-free').first()).toHaveText('50 free');
  const tip = page.locator('.seatmap-tip');
  // The fan will hold the seats in the middle of the first row.
  await hoverSeat(page, /row 1,/);
  await expect(tip).toContainText('free');
  await holdByApi(server, fan);
  await expect(tip).toContainText('held by somebody');
});

test('a button that is let go elsewhere drags nothing afterwards', async ({ page, server }) => {
  await page.goto(dateUrl(server, await makeSale(server, { sections: arena })));
  await expect(page.locator('.sections-free').first()).toHaveText(/free/);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Zoom in' }).click();
  const box = (await page.locator('.seatmap-view').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const where = () => page.locator('.seatmap-overview-frame').evaluate((rect) => ['x', 'y'].map((name) => rect.getAttribute(name)).join());
  const before = await where();
  for (const button of ['left', 'right', 'middle'] as const) {
    await page.mouse.move(box.x + box.width - 2, box.y + 100);
    await page.mouse.down({ button });
    await page.mouse.move(box.x + box.width + 3, box.y + 100);
    await page.mouse.up({ button });
    await page.mouse.move(box.x + 50, box.y + 50, { steps: 4 });
  }
  expect(await where()).toBe(before);
});

test('a tap leaves no hover behind', async ({ browser, server }) => {
  const context = await browser.newContext(phone);
  const page = await context.newPage();
  await page.goto(dateUrl(server, await makeSale(server, { sections: arena })));
  const plus = page.getByRole('button', { name: 'Zoom in' });
  const section = page.locator('.sections button').first();
  for (const button of [plus, section]) {
    await expect(button).toBeVisible();
    const look = () => button.evaluate((element) => getComputedStyle(element).backgroundColor);
    const before = await look();
    await button.tap();
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    expect(await look()).toBe(before);
  }
  // No style of either page hovers where nothing can.
  for (const address of [server.url, `${server.url}/organiser/`]) {
    await page.goto(address);
    const bare = await page.evaluate(() => {
      const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
      return rules.filter((rule) => rule instanceof CSSStyleRule && rule.selectorText.includes(':hover')).map((rule) => rule.cssText);
    });
    expect(bare).toEqual([]);
  }
  await context.close();
});

test('a full house is a full bar, and neither the last seat nor the first sold one is lost in it', async ({ page, server }) => {
  const sale = await makeSale(server, { sections: arena });
  for (const viewport of [{ width: 390, height: 800 }, { width: 1280, height: 800 }]) {
    await page.setViewportSize(viewport);
    for (const [left, least, most] of [[5_000, 1, 1], [4_999, 0.9, 0.99], [2_500, 0.49, 0.51], [1, 0.01, 0.1], [0, 0, 0]] as const) {
      await page.route('**/graphql', async (route) => {
        if (!/query Concert\b/.test(route.request().postData() ?? '')) return route.fallback();
        const response = await route.fetch();
        const body = (await response.text()).replace(/"availableCount":\s*\d+/g, `"availableCount":${left}`);
        return route.fulfill({ response, body });
      });
      await page.goto(`${server.url}/#/concert/${sale.concertId}`);
      await page.reload();
      await expect(page.locator('.date')).toContainText(`${left.toLocaleString('en')} of 5,000`);
      const [bar, filled, beside, button] = await page.evaluate(() =>
        ['.thin-bar', '.thin-bar i', '.thin-bar', '.date .button'].map((name, nth) => {
          const found = document.querySelector(name);
          const box = (nth === 2 ? found?.parentElement : found)?.getBoundingClientRect();
          return { width: box?.width ?? 0, top: box?.top ?? 0, bottom: box?.bottom ?? 0, left: box?.left ?? 0 };
        }),
      );
      // As wide as its column, so that full looks full; and not against the button.
      expect(bar?.width).toBeCloseTo(beside?.width ?? 0, 0);
      const share = (filled?.width ?? 0) / (bar?.width ?? 1);
      expect(share).toBeGreaterThanOrEqual(least - 0.001);
      expect(share).toBeLessThanOrEqual(most + 0.001);
      if (viewport.width < 500) expect((button?.top ?? 0) - (bar?.bottom ?? 0)).toBeGreaterThanOrEqual(12);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    }
  }
});

test('a figure never breaks, however much has been sold', async ({ page, server }) => {
  const sale = await makeSale(server, { sections: arena });
  const board = (sizes: Record<string, number>) =>
    page.routeWebSocket(/\/graphql$/, (socket) => {
      const upstream = socket.connectToServer();
      upstream.onMessage((message) => {
        const text = Object.entries(sizes).reduce(
          (all, [name, n]) => all.replace(new RegExp(`"${name}":\\s*\\d+`), `"${name}":${n}`), String(message),
        );
        socket.send(text);
      });
    });
  await board({ revenue: 2_147_483_647, waiting: 1_000_000, reserved: 99_998, held: 1, available: 1 });
  await page.goto(`${server.url}/organiser/`);
  await page.getByLabel('Identity token').fill(server.token('org', 'ORGANIZER'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'My concerts' })).toBeVisible();
  await page.goto(`${server.url}/organiser/#/concert/${sale.concertId}/${sale.seriesId}`);
  const revenue = page.locator('[data-figure="revenue"]');
  await expect(revenue).toHaveText('2,147,483,647 pts');
  for (const width of [320, 390, 700, 800, 900, 1_024, 1_280, 1_600]) {
    await page.setViewportSize({ width, height: 800 });
    await fits(page, `${width} px`);
    for (const figure of await page.locator('[data-figure]').all()) {
      const { lines, over } = await figure.evaluate((element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const box = element.parentElement?.getBoundingClientRect();
        return { lines: range.getClientRects().length, over: range.getBoundingClientRect().right - (box?.right ?? 0) };
      });
      expect(lines, `${await figure.innerText()} at ${width} px`).toBe(1);
      expect(over, `${await figure.innerText()} at ${width} px`).toBeLessThanOrEqual(1);
    }
  }
  // One held seat among a hundred thousand is seen in the bar.
  expect((await page.locator('.house-bar [data-part="held"]').boundingBox())?.width).toBeGreaterThanOrEqual(4);
});

test('the dots of the line are whole, from the first to the last', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: { maxActive: 1 } });
  await joinByApi(server, sale);
  for (let i = 0; i < 3; i++) await joinByApi(server, sale);
  await joinLine(page, server, sale);
  await expect(page.locator('.place-number')).toHaveText('4');
  for (const width of [320, 360, 390, 411, 768, 1_280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const share of ['0', '0.25', '0.333', '0.5', '0.77', '1']) {
      const cut = await page.locator('.queue-bar').evaluate((bar, now) => {
        bar.style.setProperty('--share', now);
        for (const part of bar.children) (part as HTMLElement).style.transition = 'none';
        const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
        const [gap, dot, ring] = [1.15 * rem, 0.23 * rem, (0.65 + 0.28) * rem];
        const box = bar.getBoundingClientRect();
        const you = bar.querySelector('.queue-you')?.getBoundingClientRect();
        const line = parseFloat(getComputedStyle(bar, '::before').width);
        const centre = (you?.left ?? 0) + (you?.width ?? 0) / 2 - box.left;
        const wrong: string[] = [];
        if (Math.abs(line / gap - Math.round(line / gap)) > 0.02) wrong.push(`the line ends within a dot: ${line / gap} gaps`);
        for (let at = gap / 2; at < line; at += gap) {
          const apart = Math.abs(at - centre);
          // Whole under the ring around you, or whole outside of it.
          if (apart > ring - dot && apart < ring + dot - 0.6) wrong.push(`a dot at ${at} is cut by you at ${centre}`);
        }
        if (centre > line) wrong.push(`you at ${centre} stand behind the line's end at ${line}`);
        return wrong;
      }, share);
      expect(cut, `${width} px, ${share}`).toEqual([]);
    }
  }
});

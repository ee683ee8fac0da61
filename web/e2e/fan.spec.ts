import { checkout, choosing, expect, holdButton, holdByApi, joinByApi, joinLine, leaveByApi, makeSale, pickSeat, test } from './stage.ts';

const one = { maxActive: 1 };
const place = '.place-number';

test('the whole journey: line, turn, seats, checkout, ticket, ledger, cancellation', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: one });
  const first = await joinByApi(server, sale);
  const second = await joinByApi(server, sale);

  await page.goto(server.url);
  await page.getByRole('searchbox').fill(sale.title);
  await page.getByRole('link', { name: new RegExp(sale.title) }).click();
  await page.getByRole('link', { name: /Choose this date/ }).click();
  await page.getByLabel('Your name').fill('Haru Kim');
  await page.getByRole('button', { name: 'Join the line' }).click();

  await expect(page.locator(place)).toHaveText('2');
  await page.reload();
  await expect(page.locator(place)).toHaveText('2');
  await leaveByApi(server, first);
  await expect(page.locator(place)).toHaveText('1');
  await expect(page).toHaveTitle('#1 in line');
  await leaveByApi(server, second);

  await choosing(page);
  await pickSeat(page, /row 1, seat 4, .*free/);
  await pickSeat(page, /row 1, seat 5, .*free/);
  await holdButton(page).click();
  await checkout(page);
  await expect(page.getByRole('timer')).toHaveText(/^(5:00|4:5\d)$/);

  await page.getByRole('button', { name: 'Pay 20,000 pts' }).click();
  await expect(page.getByText('Not enough points.')).toBeVisible();
  await page.getByRole('button', { name: 'Charge 20,000 pts' }).click();
  await expect(page.getByText('Left after paying')).toBeVisible();
  await page.getByRole('button', { name: 'Pay 20,000 pts' }).click();
  await expect(page.getByRole('heading', { name: 'You are going!' })).toBeVisible();
  await expect(page.locator('.ticket')).toHaveCount(2);

  await page.getByRole('link', { name: 'Wallet' }).click();
  await expect(page.locator('.balance')).toHaveText('0 pts');
  await expect(page.getByRole('cell', { name: '−20,000' })).toBeVisible();
  await expect(page.getByRole('cell', { name: '+20,000' })).toBeVisible();

  await page.getByRole('link', { name: 'Tickets' }).click();
  await page.getByRole('link', { name: sale.title }).first().click();
  await page.getByRole('button', { name: 'Cancel this ticket' }).click();
  await page.getByRole('button', { name: 'Yes, cancel' }).click();
  await expect(page.getByText('10,000 pts are back in your wallet.')).toBeVisible();
  await page.getByRole('link', { name: 'Wallet' }).click();
  await expect(page.locator('.balance')).toHaveText('10,000 pts');
  await expect(page.getByRole('cell', { name: 'Refunded' })).toBeVisible();
});

test('two fans race for one seat: one gets it, the other is told and goes on', async ({ page, browser, server }) => {
  const sale = await makeSale(server);
  const other = await (await browser.newContext()).newPage();
  // The slower fan's news of the seats are held up on the way, so that both believe the seat to be free.
  await other.routeWebSocket(/\/graphql$/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      if (!/"snapshot":false/.test(String(message))) socket.send(message);
    });
  });
  await joinLine(page, server, sale);
  await joinLine(other, server, sale);
  await choosing(page);
  await choosing(other);
  await pickSeat(page, /row 1, seat 7, .*free/);
  await pickSeat(other, /row 1, seat 7, .*free/);
  await pickSeat(other, /row 1, seat 8, .*free/);

  await holdButton(page).click();
  await checkout(page);
  await holdButton(other).click();
  await expect(other.getByText('Somebody was faster.')).toBeVisible();
  await expect(other.getByRole('button', { name: 'Hold 1 seat ·' })).toBeVisible();
  await holdButton(other).click();
  await checkout(other);
  await expect(other.locator('.held li')).toHaveText([/Row 1 · Seat 8/]);
  await other.context().close();
});

test('a seat that goes to somebody else leaves the selection by itself', async ({ page, browser, server }) => {
  const sale = await makeSale(server);
  const other = await (await browser.newContext()).newPage();
  await joinLine(page, server, sale);
  await joinLine(other, server, sale);
  await choosing(page);
  await choosing(other);
  await pickSeat(page, /row 1, seat 2, .*free/);
  await pickSeat(other, /row 1, seat 2, .*free/);
  await holdButton(page).click();
  await checkout(page);
  await expect(other.getByText('Standard, row 1, seat 2 has just gone to somebody else')).toBeVisible();
  await expect(holdButton(other)).toHaveCount(0);
  await other.context().close();
});

test('loss of connection: the server is killed, and the place is the same when it is back', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: one });
  const fans = [];
  for (let i = 0; i < 4; i++) fans.push(await joinByApi(server, sale));
  await joinLine(page, server, sale);
  await expect(page.locator(place)).toHaveText('4');

  await server.kill();
  await expect(page.getByText('The connection is lost.')).toBeVisible();
  await expect(page.locator(place)).toHaveText('4');
  await server.start();
  await expect(page.getByText('Connected again.')).toBeVisible();
  await expect(page.locator(place)).toHaveText('4');

  // And it still moves.
  const [, waiting] = fans;
  if (waiting !== undefined) await leaveByApi(server, waiting);
  await expect(page.locator(place)).toHaveText('3');
});

test('back from a lost line, the page asks for what it has missed of the seats and not for all of them', async ({ page, server }) => {
  const asked: number[] = [];
  const told: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      const since = /"sinceVersion":(\d+)/.exec(String(payload))?.[1];
      if (since !== undefined) asked.push(Number(since));
    });
    socket.on('framereceived', ({ payload }) => {
      if (/"seatAvailability"/.test(String(payload))) told.push(String(payload));
    });
  });
  const sections = ['Stalls', 'Circle'].map((name) => ({ name, rows: 5, cols: 10, price: 10_000 }));
  const sale = await makeSale(server, { sections });
  await joinLine(page, server, sale);
  await choosing(page);
  await holdByApi(server, await joinByApi(server, sale));
  const stalls = page.getByRole('button', { name: /Show Stalls on the map.* 46 free/ });
  await expect(stalls).toBeVisible();
  const known = Number(/"version":(\d+)/.exec(told.at(-1) ?? '')?.[1]);
  const before = asked.length;
  expect(known).toBeGreaterThan(asked.at(-1) ?? known);

  await server.kill();
  await server.start();
  await expect.poll(() => asked.length).toBe(before + 1);
  expect(asked.at(-1)).toBe(known);
  await expect(stalls).toBeVisible();
  expect(told.filter((news) => /"snapshot":true/.test(news))).toEqual([]);
});

test('where no socket goes through, the place is polled and moves on', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: one });
  await joinByApi(server, sale);
  const second = await joinByApi(server, sale);
  await page.routeWebSocket(/\/graphql$/, (socket) => socket.close());
  await joinLine(page, server, sale);
  await expect(page.locator(place)).toHaveText('2');
  await leaveByApi(server, second);
  await expect(page.locator(place)).toHaveText('1');
});

test('the lobby counts down, draws the order, and the draw checks out', async ({ page, server }) => {
  const sale = await makeSale(server, { opensInMs: 12_000, policy: one });
  await joinByApi(server, sale);
  await joinByApi(server, sale);
  await joinLine(page, server, sale);
  await expect(page.getByRole('heading', { name: 'You are in the lobby' })).toBeVisible();
  await expect(page.getByRole('timer')).toHaveText(/^0:[01]\d$/);
  await expect(page.getByRole('heading', { name: /Your place in line|Choose your seats/ })).toBeVisible();
  if (await page.getByRole('heading', { name: 'Your place in line' }).isVisible()) {
    await page.getByText('How the draw is kept honest').click();
    await expect(page.getByText('the secret fits the fingerprint')).toBeVisible();
  }
});

test('leaving gives the place up, and joining again goes to the end', async ({ page, server }) => {
  const sale = await makeSale(server, { policy: one });
  await joinByApi(server, sale);
  await joinLine(page, server, sale);
  await expect(page.locator(place)).toHaveText('1');
  await joinByApi(server, sale);
  await page.getByRole('button', { name: 'Leave the line' }).click();
  await page.getByRole('button', { name: 'Yes, leave' }).click();
  await expect(page.getByRole('heading', { name: 'You have left the line' })).toBeVisible();
  await page.getByRole('button', { name: 'Join again' }).click();
  await expect(page.locator(place)).toHaveText('2');
});

test('in Korean', async ({ browser, server }) => {
  const page = await (await browser.newContext({ locale: 'ko-KR' })).newPage();
  await page.goto(server.url);
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('모든 좌석은 공정하게.');
  await page.getByLabel('언어').selectOption('en');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Every seat is won fairly.');
  await page.context().close();
});

/** What is shown of the link is told without a word from the server: the line is cut, or says nothing any more. */
const told = 'The connection is lost.';

test('being offline is told in line and in the lobby, and the way back too', async ({ page, context, server }) => {
  const sale = await makeSale(server, { policy: { ...one, heartbeatTimeoutSeconds: 120 } });
  await joinByApi(server, sale);
  await joinLine(page, server, sale);
  await expect(page.locator(place)).toHaveText('1');
  const lobby = await makeSale(server, { opensInMs: 600_000 });
  const other = await context.newPage();
  await joinLine(other, server, lobby);
  await expect(other.getByRole('heading', { name: 'You are in the lobby' })).toBeVisible();

  await context.setOffline(true);
  for (const shown of [page, other]) await expect(shown.getByText(told)).toBeVisible();
  await expect(page.getByText('your place is kept for 2 minutes')).toBeVisible();
  await context.setOffline(false);
  for (const shown of [page, other]) await expect(shown.getByText(told)).toHaveCount(0);
  await expect(page.locator(place)).toHaveText('1');
});

test('a line that goes dead without a word is asked for a sign of life, and told', async ({ page, server }) => {
  // The pace, and that it is within five seconds, is shown beside the code; here that the page goes by it.
  const pings: number[] = [];
  let dead = false;
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const upstream = socket.connectToServer();
    socket.onMessage((message) => {
      if (/"type":"ping"/.test(String(message))) pings.push(Date.now());
      if (!dead) upstream.send(message);
    });
    upstream.onMessage((message) => {
      if (!dead) socket.send(message);
    });
  });
  const sale = await makeSale(server, { policy: one });
  await joinByApi(server, sale);
  await joinLine(page, server, sale);
  await expect(page.locator(place)).toHaveText('1');
  await expect.poll(() => pings.length).toBeGreaterThan(1);
  await expect(page.getByText(told)).toHaveCount(0);
  dead = true;
  await expect(page.getByText(told)).toBeVisible();
  dead = false;
  await expect(page.getByText(told)).toHaveCount(0);
});

test('an answer that was overtaken by the news does not take the turn back', async ({ page, server }) => {
  const sale = await makeSale(server);
  let letGo = () => {};
  const overtaken = new Promise<void>((resolve) => (letGo = resolve));
  let answered = false;
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('query Token')) return route.fallback();
    const response = await route.fetch();
    const body = (await response.text()).replace(/"status":\s*"ADMITTED"/, '"status":"WAITING"').replace(/"position":\s*0/, '"position":1');
    await overtaken;
    await route.fulfill({ response, body });
    answered = true;
  });
  await joinLine(page, server, sale);
  await choosing(page);
  letGo();
  await expect.poll(() => answered).toBe(true);
  await pickSeat(page, /row 1, seat 1, .*free/);
  await choosing(page);
});

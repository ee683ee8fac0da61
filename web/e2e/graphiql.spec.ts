import type { Page } from '@playwright/test';
import { expect, test } from './stage.ts';

const answer = (page: Page) => page.locator('.result-window');

/** Runs a tab once its operation is the one in the editor. */
async function runTab(page: Page, name: string): Promise<void> {
  await page.locator('.graphiql-tab', { hasText: name }).first().click();
  await expect(page.locator('.graphiql-query-editor')).toContainText(name);
  await page.getByRole('button', { name: /Execute query/ }).click();
}

test('the journey runs tab by tab, with the token of one tab in the headers of the next', async ({ page, server }) => {
  await page.goto(`${server.url}/graphiql/`);
  await runTab(page, 'Browse');
  await expect(answer(page)).toContainText('drawCommitment');
  await runTab(page, 'JoinTheLine');
  await expect(answer(page)).toContainText('"problem": null');
  await runTab(page, 'WatchMyPlace');
  await expect(answer(page)).toContainText('"status": "ADMITTED"');
  await runTab(page, 'Seats');
  await expect(answer(page)).toContainText('"status": "AVAILABLE"');
  await runTab(page, 'HoldSeat');
  await expect(answer(page)).toContainText('"status": "ACTIVE"');
  await runTab(page, 'Charge');
  await expect(answer(page)).toContainText('"balanceAfter": 50000');
  await runTab(page, 'Pay');
  await expect(answer(page)).toContainText('"status": "COMPLETE"');
  await runTab(page, 'MyTicketsAndLedger');
  await expect(answer(page)).toContainText('"balance": 40000');
});

// Carries GraphiQL's operations to the server: queries and mutations by HTTP, subscriptions by graphql-transport-ws.

import type { GraphiQLProps } from 'graphiql';
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { filled, learn } from './memory.ts';

export type Fetcher = GraphiQLProps['fetcher'];
type Params = Parameters<Fetcher>[0];
type Headers = Record<string, string>;

const httpUrl = new URL('/graphql', location.href).href;
const wsUrl = httpUrl.replace(/^http/, 'ws');

function isSubscription({ query, operationName }: Params): boolean {
  try {
    return getOperationAST(parse(query), operationName ?? undefined)?.operation === 'subscription';
  } catch {
    return false; // The server says what is wrong with the document.
  }
}

/** The caller's header of that name, whatever its case. */
function header(headers: Headers, name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

async function overHttp(params: Params, headers: Headers) {
  const response = await fetch(httpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify(params),
  });
  const answer = await response.json();
  learn(answer?.data);
  return answer;
}

/** One socket for each subscription, since the token belongs to the connection and each tab has its own. */
function overWebSocket(params: Params, headers: Headers) {
  const authorization = header(headers, 'authorization');
  const client = createClient({
    url: wsUrl,
    connectionParams: authorization === undefined ? {} : { authorization },
    lazy: true,
  });
  return client.iterate({
    query: params.query,
    variables: params.variables ?? undefined,
    operationName: params.operationName ?? undefined,
  });
}

/** GraphiQL learns the name of a tab's operation a moment after it shows the tab: until then it sends the last tab's. */
function named(params: Params): Params {
  try {
    const names = parse(params.query).definitions.flatMap((d) => (d.kind === 'OperationDefinition' && d.name ? [d.name.value] : []));
    const known = params.operationName == null || names.includes(params.operationName);
    return known || names.length !== 1 ? params : { ...params, operationName: names[0] ?? null };
  } catch {
    return params; // The server says what is wrong with the document.
  }
}

export const fetcher = ((sent: Params, options?: { headers?: Headers }) => {
  const params = named(sent);
  const headers = filled(options?.headers ?? {});
  const asked = { ...params, variables: filled(params.variables) };
  return isSubscription(params) ? overWebSocket(asked, headers) : overHttp(asked, headers);
}) as Fetcher;

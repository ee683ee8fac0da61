// Joining a line: `issueToken`, then the place is kept in this browser. The same user gets the same place again.

import { type CombinedError, useMutation } from '@urql/preact';
import { useState } from 'preact/hooks';
import { IssueTokenDocument, type ProblemCode } from '../gql/graphql.ts';
import { nothing } from './held.ts';
import { keepPlace, userId, userName } from './identity.ts';
import { setMemory } from './memory.ts';

export interface Joining {
  busy: boolean;
  error: CombinedError | undefined;
  problem: ProblemCode | null;
  join(): Promise<void>;
}

export function useJoin(concertId: string, seriesId: string): Joining {
  const [{ fetching, error }, issue] = useMutation(IssueTokenDocument);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const join = async () => {
    setProblem(null);
    const { data } = await issue({ seriesId, userId: userId(), name: userName() || null });
    const answer = data?.issueToken;
    if (answer == null) return;
    setProblem(answer.problem?.code ?? null);
    const { token, tokenId, position } = answer;
    if (token === null || tokenId === null) return;
    setMemory(seriesId, nothing);
    keepPlace({ concertId, seriesId, tokenId, jwt: token, from: position?.position ?? null });
  };
  return { busy: fetching, error, problem, join };
}

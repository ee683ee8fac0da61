// Words for what went wrong below the domain: the connection, the token, the server. Problems have their own words.

import type { CombinedError } from '@urql/preact';
import type { Language } from './language.ts';

const words: Record<string, Record<Language, string>> = {
  NETWORK: {
    en: 'The server cannot be reached. Check the connection and try again; nothing is lost.',
    ko: '서버에 연결할 수 없습니다. 연결을 확인하고 다시 시도해 주세요. 잃어버린 것은 없습니다.',
  },
  UNAUTHENTICATED: {
    en: 'This pass is not valid (any more). Join the line again, or sign in again.',
    ko: '유효하지 않은 토큰입니다. 다시 줄을 서거나 다시 로그인해 주세요.',
  },
  FORBIDDEN: { en: 'You are not allowed to do this.', ko: '이 작업을 할 권한이 없습니다.' },
  NOT_FOUND: { en: 'This is not here (any more).', ko: '찾을 수 없습니다.' },
  SERIES_NOT_CREATED: { en: 'This concert has no dates yet.', ko: '아직 공연 날짜가 없습니다.' },
  RATE_LIMITED: {
    en: 'Too many requests at once. Wait a moment and try again.',
    ko: '요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.',
  },
  UNAVAILABLE: {
    en: 'The server is busy just now. It is safe to try again.',
    ko: '서버가 잠시 바쁩니다. 다시 시도하셔도 안전합니다.',
  },
};

const internal: Record<Language, string> = {
  en: 'Something went wrong on our side. Try again in a moment.',
  ko: '서버에 문제가 생겼습니다. 잠시 후 다시 시도해 주세요.',
};

/** The contract's code of an error, `NETWORK` where no answer came. */
export function errorCode(error: CombinedError): string {
  const code = error.graphQLErrors[0]?.extensions['code'];
  if (typeof code === 'string') return code;
  return error.networkError === undefined ? 'INTERNAL' : 'NETWORK';
}

export function errorText(error: CombinedError, language: Language): string {
  const code = errorCode(error);
  // The server names the wrong field in plain words, which no general sentence could.
  if (code === 'BAD_USER_INPUT') return error.graphQLErrors[0]?.message ?? internal[language];
  return words[code]?.[language] ?? internal[language];
}

// A value that components can watch. For the few things that are not the server's and so not in the client's cache.

import { useEffect, useState } from 'preact/hooks';

export interface Store<T> {
  get(): T;
  set(value: T): void;
  watch(listener: () => void): () => void;
}

export function store<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of listeners) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(watched: Store<T>): T {
  const [value, setValue] = useState(watched.get);
  useEffect(() => {
    const update = () => setValue(() => watched.get());
    update();
    return watched.watch(update);
  }, [watched]);
  return value;
}

/** Reads a stored JSON value; `fallback` where there is none, it is damaged, or storage is switched off. */
export function recall<T>(storage: Storage, key: string, fallback: T): T {
  try {
    const text = storage.getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

/** Reads a stored text, empty where there is none. */
export function recallText(storage: Storage, key: string): string {
  const found = recall<unknown>(storage, key, '');
  return typeof found === 'string' ? found : '';
}

/** Stores a JSON value; without storage the page works on, and forgets at its end. */
export function keep(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows may refuse: nothing depends on it while the page is open.
  }
}

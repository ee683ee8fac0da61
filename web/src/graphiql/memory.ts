// What the answers of earlier tabs taught: ids and the token for the `{{name}}`s of later ones.
// It lives as long as the page; nothing of it is stored.

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const known = new Map<string, string>();

const at = (value: Json | undefined, ...path: (string | number)[]): Json | undefined =>
  path.reduce<Json | undefined>((found, step) => {
    if (Array.isArray(found)) return typeof step === 'number' ? found[step] : undefined;
    return found !== null && typeof found === 'object' ? found[String(step)] : undefined;
  }, value);

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

function remember(name: string, value: Json | undefined): void {
  if (typeof value === 'string' && value !== '') known.set(name, value);
}

/** Takes in the `data` of an answer. */
export function learn(data: Json | undefined): void {
  const dates = list(at(data, 'concerts', 'nodes')).flatMap((concert) => list(at(concert, 'series')));
  remember('seriesId', at(dates.find((date) => at(date, 'status') === 'ON_SALE') ?? dates[0], 'id'));
  remember('token', at(data, 'issueToken', 'token'));
  const seats = list(at(data, 'seats'));
  remember('seatId', at(seats.find((seat) => at(seat, 'status') === 'AVAILABLE'), 'id'));
  remember('reservationId', at(data, 'pay', 'reservations', 0, 'id'));
  const standing = list(at(data, 'reservations', 'nodes')).find((ticket) => at(ticket, 'status') === 'CONFIRMED');
  remember('reservationId', at(standing, 'id'));
  remember('concertId', at(data, 'createConcert', 'id'));
  remember('newSeriesId', at(data, 'createSeries', 'id'));
}

function filledText(text: string): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) =>
    name === 'newKey' ? crypto.randomUUID() : (known.get(name) ?? whole),
  );
}

/** The same value with every known `{{name}}` in its strings filled in. */
export function filled<T>(value: T): T {
  if (typeof value === 'string') return filledText(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => filled(item)) as T;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item as unknown)])) as T;
  }
  return value;
}

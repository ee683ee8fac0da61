// The plan of a date before it exists: its sections, its times, its limits. Pure.

import type { QueuePolicyInput } from '../gql/graphql.ts';
import type { Section as LaidOut } from '../shared/seatmap/house.ts';

export type Section = Omit<LaidOut, 'firstNumber'>;

export const standard: Section[] = [{ name: 'Standard', rows: 5, cols: 10, price: 10_000 }];

export const theatre: Section[] = [
  { name: 'Stalls', rows: 16, cols: 30, price: 90_000 },
  { name: 'Circle', rows: 8, cols: 40, price: 60_000 },
];

export const arena: Section[] = [
  { name: 'Floor A', rows: 20, cols: 30, price: 150_000 },
  { name: 'Floor B', rows: 20, cols: 30, price: 150_000 },
  { name: 'Lower West', rows: 20, cols: 25, price: 110_000 },
  { name: 'Lower Centre', rows: 20, cols: 40, price: 120_000 },
  { name: 'Lower East', rows: 20, cols: 25, price: 110_000 },
  { name: 'Upper West', rows: 20, cols: 30, price: 60_000 },
  { name: 'Upper Centre', rows: 20, cols: 40, price: 70_000 },
  { name: 'Upper East', rows: 20, cols: 30, price: 60_000 },
];

export const MAX_SEATS = 100_000;

export const seatCount = (sections: readonly Section[]) => sections.reduce((sum, s) => sum + s.rows * s.cols, 0);

/** Points, if every seat is sold. */
export const fullHouse = (sections: readonly Section[]) =>
  sections.reduce((sum, s) => sum + s.rows * s.cols * s.price, 0);

export type Mistake = 'order' | 'sections' | 'many';

export function sectionMistake(sections: readonly Section[]): Mistake | null {
  const names = new Set(sections.map((section) => section.name.trim()));
  const whole = (n: number, least: number) => Number.isInteger(n) && n >= least;
  const sound = sections.every((s) => s.name.trim() !== '' && whole(s.rows, 1) && whole(s.cols, 1) && whole(s.price, 1));
  if (sections.length === 0 || !sound || names.size !== sections.length) return 'sections';
  return seatCount(sections) > MAX_SEATS ? 'many' : null;
}

/** The sections with the seats numbered as the server will number them. */
export function planned(sections: readonly Section[]): LaidOut[] {
  let firstNumber = 1;
  return sections.map((section) => {
    const laidOut = { ...section, firstNumber };
    firstNumber += section.rows * section.cols;
    return laidOut;
  });
}

/** The policy as a form holds it: text, empty for "no limit". */
export type PolicyForm = Record<keyof QueuePolicyInput & string, string>;

export const policyFields = [
  'maxActive', 'admitPerInterval', 'intervalSeconds', 'sessionSeconds', 'heartbeatTimeoutSeconds', 'maxSeatsPerUser',
] as const;

export const optional: ReadonlySet<string> = new Set(['maxActive', 'admitPerInterval']);

/** The input that the form stands for: an empty limit is taken off by null. */
export function policyInput(form: PolicyForm): QueuePolicyInput {
  return Object.fromEntries(
    policyFields.flatMap((field): [string, number | null][] => {
      const text = form[field].trim();
      if (text !== '') return [[field, Number(text)]];
      return optional.has(field) ? [[field, null]] : [];
    }),
  );
}

export function policyForm(policy: Partial<Record<(typeof policyFields)[number], number | null>>): PolicyForm {
  const text = (field: (typeof policyFields)[number]) => String(policy[field] ?? '');
  return Object.fromEntries(policyFields.map((field) => [field, text(field)])) as PolicyForm;
}

/** A time as `<input type="datetime-local">` writes it, in the browser's zone. */
export function localText(at: Date): string {
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

// The sections of a house, one line each.

import type { Section } from './plan.ts';
import { useWords } from './words.ts';

const numbers = ['rows', 'cols', 'price'] as const;

function fresh(sections: readonly Section[]): Section {
  const last = sections.at(-1);
  const letter = String.fromCharCode(65 + (sections.length % 26));
  return { name: `Section ${letter}`, rows: last?.rows ?? 5, cols: last?.cols ?? 10, price: last?.price ?? 10_000 };
}

export function SectionRows({ sections, onChange }: { sections: Section[]; onChange(sections: Section[]): void }) {
  const words = useWords();
  const change = (at: number, patch: Partial<Section>) =>
    onChange(sections.map((section, index) => (index === at ? { ...section, ...patch } : section)));
  return (
    <>
      <table class="section-rows">
        <thead>
          <tr>
            <th scope="col">{words.date.section}</th>
            {numbers.map((field) => <th key={field} scope="col">{words.date[field]}</th>)}
            <th><span class="unseen">{words.date.remove('')}</span></th>
          </tr>
        </thead>
        <tbody>
          {sections.map((section, at) => (
            <tr key={at}>
              <td>
                <input dir="auto" aria-label={words.date.section} maxLength={50} value={section.name} onInput={(event) => change(at, { name: event.currentTarget.value })} />
              </td>
              {numbers.map((field) => (
                <td key={field}>
                  <input
                    type="number"
                    inputMode="numeric"
                    min={1}
                    step={1}
                    aria-label={`${section.name}, ${words.date[field]}`}
                    value={section[field]}
                    onInput={(event) => change(at, { [field]: Number(event.currentTarget.value) })}
                  />
                </td>
              ))}
              <td>
                <button
                  type="button"
                  class="text"
                  aria-label={words.date.remove(section.name)}
                  disabled={sections.length === 1}
                  onClick={() => onChange(sections.filter((_, index) => index !== at))}
                >×</button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" class="quiet" onClick={() => onChange([...sections, fresh(sections)])}>{words.date.addSection}</button>
    </>
  );
}

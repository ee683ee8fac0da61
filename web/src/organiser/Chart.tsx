// A bar a minute. The text beside it says what matters to those who do not see it.

import { useFormat } from '../shared/language.ts';
import { useWords } from './words.ts';

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 3;

/** A round number at or above `most` for the top of the scale. */
function scaleTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most && top >= 5) ?? 10;
}

export function Chart({ values }: { values: number[] }) {
  const words = useWords();
  const format = useFormat();
  const most = Math.max(0, ...values);
  const top = scaleTop(most);
  const step = WIDTH / values.length;
  const label = words.board.chart(format.number(values.at(-1) ?? 0), format.number(most));
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} preserveAspectRatio="none">
        {[0, 0.5, 1].map((line) => (
          <line key={line} x1={0} x2={WIDTH} y1={HEIGHT * line} y2={HEIGHT * line} vector-effect="non-scaling-stroke" />
        ))}
        {values.map((value, index) => {
          const height = (HEIGHT * value) / top;
          return (
            <rect
              key={index}
              data-now={index === values.length - 1}
              x={index * step + GAP / 2}
              width={step - GAP}
              y={HEIGHT - height}
              height={height}
            />
          );
        })}
      </svg>
      <span class="chart-top" aria-hidden="true">{format.number(top)}</span>
      <figcaption aria-hidden="true"><span>{words.board.ago(values.length)}</span><span>{words.board.now}</span></figcaption>
    </figure>
  );
}

// The colours that a seat map is painted with: those of the page's theme, resolved by the browser.

export const TIERS = 5;

export interface Palette {
  tiers: string[];
  held: string;
  sold: string;
  accent: string;
  onAccent: string;
  ink: string;
  muted: string;
  stage: string;
  card: string;
  font: string;
}

export function readPalette(host: HTMLElement): Palette {
  const probe = host.appendChild(document.createElement('i'));
  // A transition would still show the colour asked for before.
  probe.style.transition = 'none';
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    tiers: Array.from({ length: TIERS }, (_, i) => read(`--seat-${i + 1}`)),
    held: read('--seat-held'),
    sold: read('--seat-sold'),
    accent: read('--accent'),
    onAccent: read('--on-accent'),
    ink: read('--ink'),
    muted: read('--muted'),
    stage: read('--stage'),
    card: read('--card'),
    font: getComputedStyle(host).fontFamily,
  };
  probe.remove();
  return palette;
}

/** The colour number (1 to 5) of a price tier, spread over all five however few prices there are. */
export function tierColour(tier: number, prices: number): number {
  return prices <= 1 ? 1 : 1 + Math.round((tier / (prices - 1)) * Math.min(TIERS - 1, prices));
}

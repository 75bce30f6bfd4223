// While a long text comes into the page part by part: how much of it is there. The text has all of it already.

import type { StoryEditor } from "../../editor/storyEditor";
import { t } from "../../strings";

export function ShowingBar({ editor }: { editor: StoryEditor }) {
  const part = editor.showing.value;
  if (part === null) return null;
  const percent = Math.round(part * 100);
  return (
    <p class="showing">
      <progress max={100} value={percent} aria-label={t.story.showing(percent)} />
      <span aria-hidden="true">{t.story.showing(percent)}</span>
    </p>
  );
}

// The two dictionaries that the check of spelling knows: this person's and the room's.

import { ownWords } from "../../editor/spelling/ownWords";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";

export function DictionaryLists({ room }: { room: Room }) {
  const shared = [...room.dictionary.words.value.values()].sort((a, b) => a.localeCompare(b));
  const own = [...ownWords.all.value].sort((a, b) => a.localeCompare(b));
  return (
    <>
      <Words title={t.spelling.roomWords} words={shared} onRemove={(word) => room.dictionary.remove(word)} />
      <Words title={t.spelling.ownWords} words={own} onRemove={(word) => ownWords.remove(word)} />
    </>
  );
}

function Words(props: { title: string; words: readonly string[]; onRemove(word: string): void }) {
  const { title, words, onRemove } = props;
  if (words.length === 0) return null;
  return (
    <details class="dictionary">
      <summary>
        {title} ({words.length.toLocaleString()})
      </summary>
      <ul>
        {words.map((word) => (
          <li key={word}>
            <span>{word}</span>
            <IconButton icon="cross" label={t.spelling.forget(word)} onClick={() => onRemove(word)} />
          </li>
        ))}
      </ul>
    </details>
  );
}

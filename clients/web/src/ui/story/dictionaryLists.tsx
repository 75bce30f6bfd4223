// The two dictionaries that the check of spelling knows: this person's and the room's.

import { useSignal } from "@preact/signals";
import { ownWords } from "../../editor/spelling/ownWords";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";

export function DictionaryLists({ room }: { room: Room }) {
  const shared = [...room.dictionary.words.value.values()].sort((a, b) => a.localeCompare(b));
  const own = [...ownWords.all.value].sort((a, b) => a.localeCompare(b));
  return (
    <>
      <Words
        title={t.spelling.roomWords}
        words={shared}
        takes={(word) => room.dictionary.takes(word)}
        onAdd={(word) => room.undoSteps.as("new", () => room.dictionary.add(word))}
        onRemove={(word) => room.dictionary.remove(word)}
      />
      <Words
        title={t.spelling.ownWords}
        words={own}
        takes={(word) => word.length <= 60 && !/\s/.test(word)}
        onAdd={(word) => ownWords.add(word)}
        onRemove={(word) => ownWords.remove(word)}
      />
    </>
  );
}

function Words(props: {
  title: string;
  words: readonly string[];
  takes(word: string): boolean;
  onAdd(word: string): void;
  onRemove(word: string): void;
}) {
  const { title, words, takes, onAdd, onRemove } = props;
  const written = useSignal("");
  const word = written.value.trim();
  const wrong = word !== "" && !takes(word);
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
      <form
        class="dictionary-add"
        onSubmit={(event) => {
          event.preventDefault();
          if (word === "" || wrong) return;
          onAdd(word);
          written.value = "";
        }}
      >
        <input
          type="text"
          class="field"
          aria-label={t.spelling.newWord(title)}
          placeholder={t.spelling.aWord}
          value={written.value}
          aria-invalid={wrong}
          onInput={(event) => {
            written.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button small" disabled={word === "" || wrong}>
          {t.spelling.addWord}
        </button>
      </form>
      {wrong && (
        <p class="hint" role="alert">
          {t.spelling.noWord}
        </p>
      )}
    </details>
  );
}

import type { ActiveFormats } from "../../editor/input/activeFormats";
import type { StoryEditor } from "../../editor/storyEditor";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { ButtonBar, IconButton } from "../parts/controls";
import type { IconName } from "../parts/icons";

type Tool = {
  icon: IconName & keyof typeof t.toolbar;
  format: keyof ActiveFormats;
  value: boolean | number | string;
};

const GROUPS: Tool[][] = [
  [
    { icon: "bold", format: "bold", value: true },
    { icon: "italic", format: "italic", value: true },
    { icon: "underline", format: "underline", value: true },
    { icon: "strike", format: "strike", value: true },
  ],
  [
    { icon: "heading", format: "header", value: 1 },
    { icon: "subheading", format: "header", value: 2 },
  ],
  [
    { icon: "bullets", format: "list", value: "bullet" },
    { icon: "numbers", format: "list", value: "ordered" },
    { icon: "quote", format: "blockquote", value: true },
  ],
];

export function Toolbar({ room, editor }: { room: Room; editor: StoryEditor }) {
  const formats = editor.formats.value;
  return (
    <ButtonBar class="toolbar" label={t.toolbar.label}>
      {GROUPS.map((group) => (
        <div class="toolbar-group" key={group[0]?.icon}>
          {group.map(({ icon, format, value }) => (
            <IconButton
              key={icon}
              icon={icon}
              label={t.toolbar[icon]}
              pressed={formats[format] === value}
              onClick={() => editor.toggle(format, value)}
            />
          ))}
        </div>
      ))}
      <div class="toolbar-group">
        <IconButton
          icon="link"
          label={t.toolbar.link}
          pressed={editor.linking.here.value !== null}
          onClick={() => (editor.linking.dialogOpen.value = true)}
        />
      </div>
      <div class="toolbar-group">
        <IconButton
          icon="undo"
          label={t.toolbar.undo}
          disabled={!room.undoSteps.can("story", false)}
          onClick={() => room.undoSteps.back("story")}
        />
        <IconButton
          icon="redo"
          label={t.toolbar.redo}
          disabled={!room.undoSteps.can("story", true)}
          onClick={() => room.undoSteps.again("story")}
        />
      </div>
      <span class="toolbar-count">
        {room.settings.goal.value > 0
          ? t.document.goalDone(editor.words.value, room.settings.goal.value)
          : t.story.words(editor.words.value)}
      </span>
    </ButtonBar>
  );
}

// The properties of every tab of the side panel.

import type { StoryEditor } from "../../editor/storyEditor";
import type { Hit } from "../../room/http/searchApi";
import type { Room } from "../../room/room";
import type { AskForm } from "../story/askForm";
import type { AuthorColours } from "../story/authorColours";
import type { HistoryBrowser } from "./historyBrowser";

export interface TabProps {
  room: Room;
  askForm: AskForm;
  /** Null until the editor is there. */
  editor: StoryEditor | null;
  historyBrowser: HistoryBrowser;
  authorColours: AuthorColours | null;
  /** Shows the place of a passage that was found. */
  go: (hit: Hit) => void;
}

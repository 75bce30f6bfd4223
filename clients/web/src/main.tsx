import "./styles/index.css";
import { render } from "preact";
import { readInvite } from "./room/http/httpApi";
import { language } from "./strings";
import { Lobby } from "./ui/shell/lobby";
import { RoomPage } from "./ui/shell/roomPage";

document.documentElement.lang = language;
const root = document.getElementById("app");
const invite = readInvite(location.href, location.origin);
if (root) render(invite ? <RoomPage invite={invite} /> : <Lobby />, root);
// Another link pasted into the same tab changes the fragment only.
addEventListener("hashchange", () => location.reload());

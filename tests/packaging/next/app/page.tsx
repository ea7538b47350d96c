import { Chat } from "../../react/Chat";

export default function Page() {
  return <Chat />;
}

// What the pages gain once their script has loaded. Everything works, more plainly, without it.
import { followAsking } from "./ask";
import { followCode } from "./code";
import { followFields } from "./fields";
import { followLive } from "./live";
import { followMonitor } from "./monitor";
import { followNotices } from "./notices";
import { followSchedules } from "./schedules";
import { followTabs } from "./tabs";
import { followUploads } from "./upload";
import { followRuns } from "./train";

followFields();
followAsking();
followCode();
followLive();
followNotices();
followTabs();
followUploads();
followSchedules();
followRuns();
followMonitor();

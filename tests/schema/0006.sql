BEGIN TRANSACTION;
CREATE TABLE alarms (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	facts TEXT NOT NULL, 
	raised_at VARCHAR(26) NOT NULL, 
	fine_since VARCHAR(26), 
	cleared_at VARCHAR(26), 
	CONSTRAINT pk_alarms PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE bodies (
	mail VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	kept_since VARCHAR(26) NOT NULL, 
	CONSTRAINT pk_bodies PRIMARY KEY (mail), 
	CONSTRAINT fk_bodies_mail_mails FOREIGN KEY(mail) REFERENCES mails (identity)
);
CREATE TABLE case_links (
	target VARCHAR NOT NULL, 
	record VARCHAR NOT NULL, 
	thread INTEGER NOT NULL, 
	CONSTRAINT pk_case_links PRIMARY KEY (target, record, thread), 
	CONSTRAINT fk_case_links_thread_threads FOREIGN KEY(thread) REFERENCES threads (id)
);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000mIAA',4);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000015IAA',4);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000kIAA',5);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000012IAA',5);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000kIAA',6);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000012IAA',6);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000kIAA',1);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000lIAA',1);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000012IAA',1);
INSERT INTO "case_links" VALUES('crm','contact:003Hs000000000kIAA',2);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000012IAA',2);
INSERT INTO "case_links" VALUES('crm','company:001Hs000000000aIAA',3);
INSERT INTO "case_links" VALUES('crm','deal:006Hs0000000012IAA',3);
CREATE TABLE cases (
	thread INTEGER NOT NULL, 
	target VARCHAR NOT NULL, 
	dirty BOOLEAN NOT NULL, 
	wake_at VARCHAR(26), 
	link TEXT NOT NULL, 
	decided_at VARCHAR(26), 
	CONSTRAINT pk_cases PRIMARY KEY (thread, target), 
	CONSTRAINT fk_cases_thread_threads FOREIGN KEY(thread) REFERENCES threads (id)
);
INSERT INTO "cases" VALUES(1,'crm',0,NULL,'{"customers":[{"kind":"contact","id":"003Hs000000000kIAA"},{"kind":"contact","id":"003Hs000000000lIAA"}],"primary":{"kind":"contact","id":"003Hs000000000kIAA"},"deal":"006Hs0000000012IAA","deal_evidence":[{"rule":"deal_of_thread","details":[["deal","006Hs0000000012IAA"]]}]}','2026-03-02T08:01:08.730151');
INSERT INTO "cases" VALUES(2,'crm',0,NULL,'{"customers":[{"kind":"contact","id":"003Hs000000000kIAA"}],"primary":{"kind":"contact","id":"003Hs000000000kIAA"},"deal":"006Hs0000000012IAA","deal_evidence":[{"rule":"deal_of_thread","details":[["deal","006Hs0000000012IAA"]]}]}','2026-03-02T08:01:08.730151');
INSERT INTO "cases" VALUES(3,'crm',0,NULL,'{"customers":[{"kind":"company","id":"001Hs000000000aIAA"}],"primary":{"kind":"company","id":"001Hs000000000aIAA"},"deal":"006Hs0000000012IAA","deal_evidence":[{"rule":"deal_of_thread","details":[["deal","006Hs0000000012IAA"]]}]}','2026-03-02T08:01:08.730151');
INSERT INTO "cases" VALUES(4,'crm',0,NULL,'{"customers":[{"kind":"contact","id":"003Hs000000000mIAA"}],"primary":{"kind":"contact","id":"003Hs000000000mIAA"},"deal":"006Hs0000000015IAA","deal_evidence":[{"rule":"only_open_deal","details":[["deal","006Hs0000000015IAA"]]}]}','2026-03-02T08:00:02.926202');
INSERT INTO "cases" VALUES(5,'crm',0,'2026-03-05T08:01:03.000000','{"customers":[{"kind":"contact","id":"003Hs000000000kIAA"}],"primary":{"kind":"contact","id":"003Hs000000000kIAA"},"deal":"006Hs0000000012IAA","deal_evidence":[{"rule":"deal_of_thread","details":[["deal","006Hs0000000012IAA"]]}]}','2026-03-02T08:01:08.730151');
INSERT INTO "cases" VALUES(6,'crm',0,NULL,'{"customers":[{"kind":"contact","id":"003Hs000000000kIAA"}],"primary":{"kind":"contact","id":"003Hs000000000kIAA"},"deal":"006Hs0000000012IAA","deal_evidence":[{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]}]}','2026-03-02T08:01:08.730151');
INSERT INTO "cases" VALUES(7,'crm',0,NULL,'{"customers":[],"primary":null,"deal":"","deal_evidence":[{"rule":"no_open_deal","details":[]}]}','2026-03-02T08:01:08.730151');
CREATE TABLE copies (
	mailbox VARCHAR NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	mail VARCHAR, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	received_at VARCHAR(26), 
	place VARCHAR, 
	labels TEXT NOT NULL, 
	live BOOLEAN NOT NULL, 
	seen_at VARCHAR(26) NOT NULL, 
	run INTEGER, 
	CONSTRAINT pk_copies PRIMARY KEY (mailbox, provider_id), 
	CONSTRAINT fk_copies_mail_mails FOREIGN KEY(mail) REFERENCES mails (identity)
);
INSERT INTO "copies" VALUES('sales@minghui-lighting.example','19cad8fac00a6c4e','37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','read',NULL,'2026-02-26T02:15:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:00.988847',1);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad8fac005277b','33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','read',NULL,'2026-02-28T08:45:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:01.002314',3);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad8fac0083d38','c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','read',NULL,'2026-02-27T03:50:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:01.002314',3);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad8fac00a93f9','d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','read',NULL,'2026-02-27T02:05:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:01.002314',3);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad8fac004a1fa','c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','read',NULL,'2026-02-26T10:10:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:01.002314',3);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad8fac0011ac0','37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','read',NULL,'2026-02-26T02:15:00.000000','sent','["SENT"]',0,'2026-03-02T08:00:01.002314',3);
INSERT INTO "copies" VALUES('tom.zhou@minghui-lighting.example','19cad8fac00fad42','37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','read',NULL,'2026-02-26T02:15:00.000000','inbox','["INBOX","CATEGORY_PERSONAL"]',0,'2026-03-02T08:00:01.046618',2);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad90a2b59b890','192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','read',NULL,'2026-03-02T08:01:03.157000','sent','["SENT"]',1,'2026-03-02T08:01:03.626099',NULL);
INSERT INTO "copies" VALUES('lily.chen@minghui-lighting.example','19cad90adf5b38ef','bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','read',NULL,'2026-03-02T08:01:06.037000','inbox','["INBOX","CATEGORY_PERSONAL"]',1,'2026-03-02T08:01:06.491429',NULL);
INSERT INTO "copies" VALUES('sales@minghui-lighting.example','19cad90adf5cb583','0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','read',NULL,'2026-03-02T08:01:06.037000','inbox','["INBOX","CATEGORY_PERSONAL"]',1,'2026-03-02T08:01:06.767537',NULL);
CREATE TABLE coverage (
	mailbox VARCHAR NOT NULL, 
	counted_at VARCHAR(26) NOT NULL, 
	since VARCHAR(26) NOT NULL, 
	until VARCHAR(26) NOT NULL, 
	sums TEXT NOT NULL, 
	CONSTRAINT pk_coverage PRIMARY KEY (mailbox)
);
CREATE TABLE coverage_days (
	mailbox VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	counted_at VARCHAR(26) NOT NULL, 
	sums TEXT NOT NULL, 
	CONSTRAINT pk_coverage_days PRIMARY KEY (mailbox, day)
);
CREATE TABLE customer_words (
	target VARCHAR NOT NULL, 
	word VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	CONSTRAINT pk_customer_words PRIMARY KEY (target, word, kind, id)
);
INSERT INTO "customer_words" VALUES('crm','klaus.brandt@nordlicht.example','contact','003Hs000000000kIAA');
INSERT INTO "customer_words" VALUES('crm','p.vogel@nordlicht.example','contact','003Hs000000000lIAA');
INSERT INTO "customer_words" VALUES('crm','marta@casalumen.example','contact','003Hs000000000mIAA');
INSERT INTO "customer_words" VALUES('crm','dkowalski@brightside-retail.example','contact','003Hs000000000nIAA');
INSERT INTO "customer_words" VALUES('crm','slee@brightside-retail.example','contact','003Hs000000000oIAA');
INSERT INTO "customer_words" VALUES('crm','omar@desertstar.example','contact','003Hs000000000pIAA');
INSERT INTO "customer_words" VALUES('crm','liuyang@huaguang.example','contact','003Hs000000000qIAA');
INSERT INTO "customer_words" VALUES('crm','tanaka@sakura-denki.example','contact','003Hs000000000rIAA');
INSERT INTO "customer_words" VALUES('crm','b.lefevre@lumiere-et-fils.example','contact','003Hs000000000sIAA');
INSERT INTO "customer_words" VALUES('crm','kylie@outback-lighting.example','contact','003Hs000000000tIAA');
INSERT INTO "customer_words" VALUES('crm','rfuentes@andina-import.example','contact','003Hs000000000uIAA');
INSERT INTO "customer_words" VALUES('crm','aidar@vostok-svet.example','contact','003Hs000000000vIAA');
INSERT INTO "customer_words" VALUES('crm','grace.adeyemi.lagos@gmail.com','contact','003Hs000000000wIAA');
INSERT INTO "customer_words" VALUES('crm','1357924680@qq.com','contact','003Hs000000000xIAA');
INSERT INTO "customer_words" VALUES('crm','purchasing@fjordhotels.example','contact','003Hs000000000yIAA');
INSERT INTO "customer_words" VALUES('crm','purchasing@fjordhotels.example','contact','003Hs000000000zIAA');
INSERT INTO "customer_words" VALUES('crm','ivan@balkanlux.example','lead','00QHs0000000010MAA');
INSERT INTO "customer_words" VALUES('crm','amara.okafor@yahoo.com','lead','00QHs0000000011MAA');
INSERT INTO "customer_words" VALUES('crm','@nordlicht.example','company','001Hs000000000aIAA');
INSERT INTO "customer_words" VALUES('crm','@casalumen.example','company','001Hs000000000bIAA');
INSERT INTO "customer_words" VALUES('crm','@brightside-retail.example','company','001Hs000000000cIAA');
INSERT INTO "customer_words" VALUES('crm','@desertstar.example','company','001Hs000000000dIAA');
INSERT INTO "customer_words" VALUES('crm','@huaguang.example','company','001Hs000000000eIAA');
INSERT INTO "customer_words" VALUES('crm','@sakura-denki.example','company','001Hs000000000fIAA');
INSERT INTO "customer_words" VALUES('crm','@lumiere-et-fils.example','company','001Hs000000000gIAA');
INSERT INTO "customer_words" VALUES('crm','@outback-lighting.example','company','001Hs000000000hIAA');
INSERT INTO "customer_words" VALUES('crm','@andina-import.example','company','001Hs000000000iIAA');
INSERT INTO "customer_words" VALUES('crm','@vostok-svet.example','company','001Hs000000000jIAA');
CREATE TABLE customers (
	target VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	"row" TEXT NOT NULL, 
	CONSTRAINT pk_customers PRIMARY KEY (target, kind, id)
);
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000kIAA','{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"name":"Klaus Brandt","emails":["klaus.brandt@nordlicht.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000aIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000kIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000lIAA','{"ref":{"kind":"contact","id":"003Hs000000000lIAA"},"name":"Petra Vogel","emails":["p.vogel@nordlicht.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000aIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000lIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000mIAA','{"ref":{"kind":"contact","id":"003Hs000000000mIAA"},"name":"Marta Ruiz Peña","emails":["marta@casalumen.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000bIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000mIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000nIAA','{"ref":{"kind":"contact","id":"003Hs000000000nIAA"},"name":"Dave Kowalski","emails":["dkowalski@brightside-retail.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000cIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000nIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000oIAA','{"ref":{"kind":"contact","id":"003Hs000000000oIAA"},"name":"Susan Lee","emails":["slee@brightside-retail.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000cIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000oIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000pIAA','{"ref":{"kind":"contact","id":"003Hs000000000pIAA"},"name":"عمر الهاشمي","emails":["omar@desertstar.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000dIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000pIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000qIAA','{"ref":{"kind":"contact","id":"003Hs000000000qIAA"},"name":"刘洋","emails":["liuyang@huaguang.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000eIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000qIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000rIAA','{"ref":{"kind":"contact","id":"003Hs000000000rIAA"},"name":"田中 裕子","emails":["tanaka@sakura-denki.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000fIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000rIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000sIAA','{"ref":{"kind":"contact","id":"003Hs000000000sIAA"},"name":"Bernard Lefèvre","emails":["b.lefevre@lumiere-et-fils.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000gIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000sIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000tIAA','{"ref":{"kind":"contact","id":"003Hs000000000tIAA"},"name":"Kylie Nguyen","emails":["kylie@outback-lighting.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000hIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000tIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000uIAA','{"ref":{"kind":"contact","id":"003Hs000000000uIAA"},"name":"Rosa Fuentes","emails":["rfuentes@andina-import.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000iIAA"},"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000uIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000vIAA','{"ref":{"kind":"contact","id":"003Hs000000000vIAA"},"name":"Айдар Серик","emails":["aidar@vostok-svet.example"],"domains":[],"company":{"kind":"company","id":"001Hs000000000jIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000vIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000wIAA','{"ref":{"kind":"contact","id":"003Hs000000000wIAA"},"name":"Grace Adeyemi","emails":["grace.adeyemi.lagos@gmail.com"],"domains":[],"company":null,"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000wIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000xIAA','{"ref":{"kind":"contact","id":"003Hs000000000xIAA"},"name":"王建国","emails":["1357924680@qq.com"],"domains":[],"company":{"kind":"company","id":"001Hs000000000eIAA"},"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000xIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000yIAA','{"ref":{"kind":"contact","id":"003Hs000000000yIAA"},"name":"Peter Holm","emails":["purchasing@fjordhotels.example"],"domains":[],"company":null,"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000yIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','contact','003Hs000000000zIAA','{"ref":{"kind":"contact","id":"003Hs000000000zIAA"},"name":"Anna Holm","emails":["purchasing@fjordhotels.example"],"domains":[],"company":null,"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/003Hs000000000zIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','lead','00QHs0000000010MAA','{"ref":{"kind":"lead","id":"00QHs0000000010MAA"},"name":"Ivan Petrović","emails":["ivan@balkanlux.example"],"domains":[],"company":null,"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/00QHs0000000010MAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','lead','00QHs0000000011MAA','{"ref":{"kind":"lead","id":"00QHs0000000011MAA"},"name":"Amara Okafor","emails":["amara.okafor@yahoo.com"],"domains":[],"company":null,"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/00QHs0000000011MAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000aIAA','{"ref":{"kind":"company","id":"001Hs000000000aIAA"},"name":"Nordlicht GmbH","emails":[],"domains":["nordlicht.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000aIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000bIAA','{"ref":{"kind":"company","id":"001Hs000000000bIAA"},"name":"Casa Lumen S.L.","emails":[],"domains":["casalumen.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000bIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000cIAA','{"ref":{"kind":"company","id":"001Hs000000000cIAA"},"name":"Brightside Retail Inc.","emails":[],"domains":["brightside-retail.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000cIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000dIAA','{"ref":{"kind":"company","id":"001Hs000000000dIAA"},"name":"Desert Star Trading LLC","emails":[],"domains":["desertstar.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000dIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000eIAA','{"ref":{"kind":"company","id":"001Hs000000000eIAA"},"name":"上海华光进出口有限公司","emails":[],"domains":["huaguang.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000eIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000fIAA','{"ref":{"kind":"company","id":"001Hs000000000fIAA"},"name":"株式会社さくら電気","emails":[],"domains":["sakura-denki.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000fIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000gIAA','{"ref":{"kind":"company","id":"001Hs000000000gIAA"},"name":"Lumière & Fils SARL","emails":[],"domains":["lumiere-et-fils.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000gIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000hIAA','{"ref":{"kind":"company","id":"001Hs000000000hIAA"},"name":"Outback Lighting Pty Ltd","emails":[],"domains":["outback-lighting.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000hIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000iIAA','{"ref":{"kind":"company","id":"001Hs000000000iIAA"},"name":"Importadora Andina Ltda.","emails":[],"domains":["andina-import.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000iIAA","deleted":false,"merged_into":null}');
INSERT INTO "customers" VALUES('crm','company','001Hs000000000jIAA','{"ref":{"kind":"company","id":"001Hs000000000jIAA"},"name":"ООО Восток Свет","emails":[],"domains":["vostok-svet.example"],"company":null,"owner":"005Hs000000000LIAQ","url":"https://harbour-trading.my.salesforce.com/001Hs000000000jIAA","deleted":false,"merged_into":null}');
CREATE TABLE deal_records (
	target VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	deal VARCHAR NOT NULL, 
	CONSTRAINT pk_deal_records PRIMARY KEY (target, kind, id, deal)
);
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000bIAA','006Hs0000000015IAA');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000mIAA','006Hs0000000015IAA');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000cIAA','006Hs0000000018IAA');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000nIAA','006Hs0000000018IAA');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000dIAA','006Hs000000001BIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000pIAA','006Hs000000001BIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000fIAA','006Hs000000001EIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000rIAA','006Hs000000001EIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000gIAA','006Hs000000001HIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000sIAA','006Hs000000001HIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000hIAA','006Hs000000001KIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000tIAA','006Hs000000001KIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000hIAA','006Hs000000001NIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000tIAA','006Hs000000001NIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000iIAA','006Hs000000001QIAQ');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000uIAA','006Hs000000001QIAQ');
INSERT INTO "deal_records" VALUES('crm','company','001Hs000000000aIAA','006Hs0000000012IAA');
INSERT INTO "deal_records" VALUES('crm','contact','003Hs000000000kIAA','006Hs0000000012IAA');
CREATE TABLE deals (
	target VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	"row" TEXT NOT NULL, 
	CONSTRAINT pk_deals PRIMARY KEY (target, id)
);
INSERT INTO "deals" VALUES('crm','006Hs0000000012IAA','{"id":"006Hs0000000012IAA","name":"Nordlicht LED panels 2026","pipeline":"default","stage":"Proposal/Price Quote","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000aIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000kIAA"}],"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs0000000012IAA","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs0000000015IAA','{"id":"006Hs0000000015IAA","name":"Casa Lumen LED strips","pipeline":"default","stage":"Prospecting","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000bIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000mIAA"}],"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs0000000015IAA","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs0000000018IAA','{"id":"006Hs0000000018IAA","name":"Brightside desk lamps Q3","pipeline":"default","stage":"Proposal/Price Quote","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000cIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000nIAA"}],"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs0000000018IAA","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001BIAQ','{"id":"006Hs000000001BIAQ","name":"Desert Star flood lights","pipeline":"default","stage":"Prospecting","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000dIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000pIAA"}],"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001BIAQ","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001EIAQ','{"id":"006Hs000000001EIAQ","name":"さくら電気 T8 tubes","pipeline":"default","stage":"Needs Analysis","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000fIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000rIAA"}],"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001EIAQ","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001HIAQ','{"id":"006Hs000000001HIAQ","name":"Lumière chandeliers","pipeline":"default","stage":"Negotiation/Review","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000gIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000sIAA"}],"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001HIAQ","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001KIAQ','{"id":"006Hs000000001KIAQ","name":"Outback solar lights","pipeline":"default","stage":"Prospecting","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000hIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000tIAA"}],"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001KIAQ","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001NIAQ','{"id":"006Hs000000001NIAQ","name":"Outback garden range","pipeline":"default","stage":"Prospecting","closed":false,"won":false,"company":{"kind":"company","id":"001Hs000000000hIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000tIAA"}],"owner":"005Hs000000000XIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001NIAQ","deleted":false}');
INSERT INTO "deals" VALUES('crm','006Hs000000001QIAQ','{"id":"006Hs000000001QIAQ","name":"Andina street lights","pipeline":"default","stage":"Closed Lost","closed":true,"won":false,"company":{"kind":"company","id":"001Hs000000000iIAA"},"contacts":[{"kind":"contact","id":"003Hs000000000uIAA"}],"owner":"005Hs000000000WIAQ","url":"https://harbour-trading.my.salesforce.com/006Hs000000001QIAQ","deleted":false}');
CREATE TABLE differences (
	mailbox VARCHAR NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	found_at VARCHAR(26) NOT NULL, 
	mended_at VARCHAR(26), 
	CONSTRAINT pk_differences PRIMARY KEY (mailbox, provider_id, kind)
);
CREATE TABLE erased (
	mark VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	address VARCHAR, 
	asked_at VARCHAR(26) NOT NULL, 
	done_at VARCHAR(26), 
	CONSTRAINT pk_erased PRIMARY KEY (mark)
);
CREATE TABLE feeds (
	target VARCHAR NOT NULL, 
	feed VARCHAR NOT NULL, 
	cursor TEXT, 
	complete BOOLEAN NOT NULL, 
	as_of VARCHAR(26), 
	CONSTRAINT pk_feeds PRIMARY KEY (target, feed)
);
INSERT INTO "feeds" VALUES('crm','users',NULL,1,'2026-03-02T08:01:08.143694');
INSERT INTO "feeds" VALUES('crm','customers','{"v":1,"at":{"Account":[["2026-03-02T08:00:00.000Z","001Hs000000000jIAA"],"2026-03-02T08:01:08.401Z",false,false],"Contact":[["2026-03-02T08:00:00.000Z","003Hs000000000zIAA"],"2026-03-02T08:01:08.256Z",false,false],"Lead":[["2026-03-02T08:00:00.000Z","00QHs0000000011MAA"],"2026-03-02T08:01:08.359Z",false,false]}}',1,'2026-03-02T08:01:08.143694');
INSERT INTO "feeds" VALUES('crm','deals','{"v":1,"at":{"Opportunity":[["2026-03-02T08:01:06.000Z","006Hs0000000012IAA"],"2026-03-02T08:01:08.493Z",false,false],"OpportunityContactRole":[["2026-03-02T08:00:00.000Z","00KHs000000001SMAQ"],"2026-03-02T08:01:08.592Z",false,false]}}',1,'2026-03-02T08:01:08.401643');
CREATE TABLE items (
	seq INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	thread INTEGER NOT NULL, 
	mail VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	history BOOLEAN NOT NULL, 
	write TEXT NOT NULL, 
	rule VARCHAR NOT NULL, 
	evidence TEXT NOT NULL, 
	order_key VARCHAR NOT NULL, 
	needs TEXT NOT NULL, 
	due_at VARCHAR(26) NOT NULL, 
	tries INTEGER NOT NULL, 
	first_sent_at VARCHAR(26), 
	sent_at VARCHAR(26), 
	half_record VARCHAR NOT NULL, 
	steps TEXT NOT NULL, 
	reason VARCHAR, 
	detail TEXT NOT NULL, 
	record VARCHAR NOT NULL, 
	effect VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	created_at VARCHAR(26) NOT NULL, 
	ended_at VARCHAR(26), look_again_at VARCHAR(26), run INTEGER, generation INTEGER DEFAULT '0' NOT NULL, undo INTEGER, undoes VARCHAR, erased VARCHAR, erased_at VARCHAR(26), 
	CONSTRAINT pk_items PRIMARY KEY (seq), 
	UNIQUE ("key")
);
INSERT INTO "items" VALUES(1,'v1:4164e39bc83e4562bf8ebbf48980456e78a17702888e7b03a958ef89c6854e67','crm','log_email',1,'37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','done',1,'{"kind":"log_email","key":"v1:4164e39bc83e4562bf8ebbf48980456e78a17702888e7b03a958ef89c6854e67","mail":"37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf","message_id":"many-colleagues.2.25d81af0b46d@minghui-lighting.example","thread":"1","sent_at":"2026-02-26T02:15:00Z","incoming":false,"subject":"Re: Visit to Ningbo in April","from_":{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"},"to":[{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"}],"cc":[{"email":"tom.zhou@minghui-lighting.example","name":"Tom Zhou 周涛"},{"email":"sales@minghui-lighting.example","name":"Minghui Sales"},{"email":"wei.jun@minghui-lighting.example","name":"Wei Jun 韦军"},{"email":"p.vogel@nordlicht.example","name":"Petra Vogel"}],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"role":"to","address":"klaus.brandt@nordlicht.example"},{"ref":{"kind":"contact","id":"003Hs000000000lIAA"},"role":"cc","address":"p.vogel@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"address_exact","details":[["role","to"],["record","contact:003Hs000000000kIAA"]]},{"rule":"address_exact","details":[["role","cc"],["record","contact:003Hs000000000lIAA"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:00:02.926202',0,'2026-03-02T08:00:02.926202','2026-03-02T08:00:02.926202','','[]',NULL,'','02sHs000000001TIAQ','created','https://harbour-trading.my.salesforce.com/02sHs000000001TIAQ','','2026-03-02T08:00:02.926202','2026-03-02T08:00:03.156686',NULL,3,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(2,'v1:d9b1a5a8c09f9be46061baf9d516f9131adb9f3b7c2deab892af5f584604e156','crm','log_email',2,'d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','done',1,'{"kind":"log_email","key":"v1:d9b1a5a8c09f9be46061baf9d516f9131adb9f3b7c2deab892af5f584604e156","mail":"d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a","message_id":"shipping-bl.3.00d6dd9ed921@oceanbridge.example","thread":"2","sent_at":"2026-02-27T02:05:00Z","incoming":true,"subject":"Re: Booking confirmation NGB-HAM, Nordlicht 1x40HQ","from_":{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"},"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"}],"bcc":[],"attachments":[{"name":"BL_draft_OB661204.pdf","media_type":"application/pdf","size":22537,"inline":false,"ref":"1.2"}],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"role":"cc","address":"klaus.brandt@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"unknown_address","details":[["role","from"],["domain","oceanbridge.example"]]},{"rule":"address_exact","details":[["role","cc"],["record","contact:003Hs000000000kIAA"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:00:02.926202',0,'2026-03-02T08:00:02.926202','2026-03-02T08:00:02.926202','','[]',NULL,'','02sHs000000001bIAA','created','https://harbour-trading.my.salesforce.com/02sHs000000001bIAA','','2026-03-02T08:00:02.926202','2026-03-02T08:00:03.156686',NULL,3,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(3,'v1:6d6581f79ed1f7b93be3c5f65d74112eeb2e602164e90f2e2de75244446ed249','crm','log_email',2,'33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','done',1,'{"kind":"log_email","key":"v1:6d6581f79ed1f7b93be3c5f65d74112eeb2e602164e90f2e2de75244446ed249","mail":"33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32","message_id":"shipping-bl.4.dc6c5b93d323@nordlicht.example","thread":"2","sent_at":"2026-02-28T08:45:00Z","incoming":true,"subject":"Re: Booking confirmation NGB-HAM, Nordlicht 1x40HQ","from_":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"}],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"role":"from","address":"klaus.brandt@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000kIAA"]]},{"rule":"unknown_address","details":[["role","cc"],["domain","oceanbridge.example"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:00:02.926202',0,'2026-03-02T08:00:02.926202','2026-03-02T08:00:02.926202','','[]',NULL,'','02sHs000000001fIAA','created','https://harbour-trading.my.salesforce.com/02sHs000000001fIAA','','2026-03-02T08:00:02.926202','2026-03-02T08:00:03.156686',NULL,3,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(4,'v1:d49338558d3d875ce6306cc616885b6c41a5d4a95aea4c211cb32b6415d9a934','crm','log_email',3,'c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','done',1,'{"kind":"log_email","key":"v1:d49338558d3d875ce6306cc616885b6c41a5d4a95aea4c211cb32b6415d9a934","mail":"c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019","message_id":"strangers.6.23d2a5a9591f@nordlicht.example","thread":"3","sent_at":"2026-02-27T03:50:00Z","incoming":true,"subject":"Flicker values","from_":{"email":"h.kranz@nordlicht.example","name":"Helmut Kranz"},"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"company","id":"001Hs000000000aIAA"},"role":"from","address":"h.kranz@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"domain_company","details":[["role","from"],["record","company:001Hs000000000aIAA"]]},{"rule":"only_open_deal_of_company","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:00:02.926202',0,'2026-03-02T08:00:02.926202','2026-03-02T08:00:02.926202','','[]',NULL,'','02sHs000000001jIAA','created','https://harbour-trading.my.salesforce.com/02sHs000000001jIAA','','2026-03-02T08:00:02.926202','2026-03-02T08:00:03.156686',NULL,3,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(5,'v1:b4ca1658233c328c165cf3d0cef6eca39e0a75b6e9d9f4b709b4b2ee74f0c493','crm','log_email',4,'c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','done',1,'{"kind":"log_email","key":"v1:b4ca1658233c328c165cf3d0cef6eca39e0a75b6e9d9f4b709b4b2ee74f0c493","mail":"c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467","message_id":"casalumen-order.3.a3c7f67711ac@casalumen.example","thread":"4","sent_at":"2026-02-26T10:10:00Z","incoming":true,"subject":"Re: Pedido 2026-044","from_":{"email":"marta@casalumen.example","name":"Marta Ruiz Peña"},"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000mIAA"},"role":"from","address":"marta@casalumen.example"}],"deal":"006Hs0000000015IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000mIAA"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000015IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:00:02.926202',0,'2026-03-02T08:00:02.926202','2026-03-02T08:00:02.926202','','[]',NULL,'','02sHs000000001mIAA','created','https://harbour-trading.my.salesforce.com/02sHs000000001mIAA','','2026-03-02T08:00:02.926202','2026-03-02T08:00:03.156686',NULL,3,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(6,'v1:d9da51300920485221b1d5e616b60768c1338c874bd44e79359b58ae9fe915e7','crm','log_email',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','done',0,'{"kind":"log_email","key":"v1:d9da51300920485221b1d5e616b60768c1338c874bd44e79359b58ae9fe915e7","mail":"192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e","message_id":"25f260bb0300ca50@test.example","thread":"5","sent_at":"2026-03-02T08:01:03Z","incoming":false,"subject":"Our quotation for 1,200 panels","from_":{"email":"lily.chen@minghui-lighting.example","name":""},"to":[{"email":"klaus.brandt@nordlicht.example","name":""}],"cc":[],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"role":"to","address":"klaus.brandt@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"address_exact","details":[["role","to"],["record","contact:003Hs000000000kIAA"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:01:05.480536',0,'2026-03-02T08:01:05.480536','2026-03-02T08:01:05.480536','','[]',NULL,'','02sHs000000001qIAA','created','https://harbour-trading.my.salesforce.com/02sHs000000001qIAA','','2026-03-02T08:01:05.480536','2026-03-02T08:01:05.841311',NULL,4,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(7,'v1:35ea31f58fe88369f2d90141d4c7e016be93ec607115861cc648633be93d6bd6','crm','move_deal',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','done',0,'{"kind":"move_deal","key":"v1:35ea31f58fe88369f2d90141d4c7e016be93ec607115861cc648633be93d6bd6","deal":"006Hs0000000012IAA","pipeline":"default","expect_stage":"Needs Analysis","to_stage":"Proposal/Price Quote"}','stage:Proposal/Price Quote','[{"rule":"stage","details":[["sign","quotation_sent"],["mail","192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e"],["from","Needs Analysis"],["to","Proposal/Price Quote"],["subject","quotation"],["text","quotation"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]}]','deal:006Hs0000000012IAA','[]','2026-03-02T08:01:05.480536',0,'2026-03-02T08:01:05.841311','2026-03-02T08:01:05.841311','','[]',NULL,'','006Hs0000000012IAA','changed','https://harbour-trading.my.salesforce.com/006Hs0000000012IAA','','2026-03-02T08:01:05.480536','2026-03-02T08:01:06.037391',NULL,4,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(8,'v1:94369998f3ad794c9a2de9b5d0262ee44877a53316fff16f48e8bc2e6eb4633e','crm','log_email',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','unknown',0,'{"kind":"log_email","key":"v1:94369998f3ad794c9a2de9b5d0262ee44877a53316fff16f48e8bc2e6eb4633e","mail":"bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb","message_id":"bf037a5e60e25a42@test.example","thread":"6","sent_at":"2026-03-02T08:01:06Z","incoming":true,"subject":"Many thanks","from_":{"email":"klaus.brandt@nordlicht.example","name":""},"to":[{"email":"lily.chen@minghui-lighting.example","name":""}],"cc":[],"bcc":[],"attachments":[],"participants":[{"ref":{"kind":"contact","id":"003Hs000000000kIAA"},"role":"from","address":"klaus.brandt@nordlicht.example"}],"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ","body":null}','log','[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000kIAA"]]},{"rule":"only_open_deal","details":[["deal","006Hs0000000012IAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','','[]','2026-03-02T08:12:09.031704',0,'2026-03-02T08:01:08.730151','2026-03-02T08:01:08.730151','','[]',NULL,'OutcomeUnknown composite.graph: Sent, but no complete answer came back.','','','','','2026-03-02T08:01:08.730151',NULL,NULL,5,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(9,'v1:602b953784599cda41ed2c321223779c8e166b0e5b396ff32bd3a35829d9e424','crm','create_task',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','done',0,'{"kind":"create_task","key":"v1:602b953784599cda41ed2c321223779c8e166b0e5b396ff32bd3a35829d9e424","title":"Answer klaus.brandt@nordlicht.example: Many thanks","text":"klaus.brandt@nordlicht.example wrote on 2026-03-02 16:01 and nobody has answered yet.\nAnswer due by 2026-03-03 16:01 (Asia/Shanghai).\nSubject: Many thanks\nThis task is closed by itself when one of you answers the mail.","due_at":"2026-03-03T08:01:06Z","due_on":"2026-03-03","urgent":false,"record":{"kind":"contact","id":"003Hs000000000kIAA"},"deal":"006Hs0000000012IAA","owner":"005Hs000000000WIAQ"}','first_response','[{"rule":"first_response","details":[["mail","bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb"],["within","1d"]]},{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000kIAA"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000WIAQ"]]}]','task:v1:602b953784599cda41ed2c321223779c8e166b0e5b396ff32bd3a35829d9e424','[]','2026-03-02T08:01:08.730151',0,'2026-03-02T08:02:09.031704','2026-03-02T08:02:09.031704','','[]',NULL,'','00THs0000000020MAA','created','https://harbour-trading.my.salesforce.com/00THs0000000020MAA','','2026-03-02T08:01:08.730151','2026-03-02T08:02:09.079164',NULL,5,0,NULL,NULL,NULL,NULL);
INSERT INTO "items" VALUES(10,'v1:12a37c25c854ede9ac76a2dd4b037e2e0fe36e8ad8ba5db5f9177784bbb64715','crm','create_task',7,'0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','done',0,'{"kind":"create_task","key":"v1:12a37c25c854ede9ac76a2dd4b037e2e0fe36e8ad8ba5db5f9177784bbb64715","title":"New sender, answer jh.park@hanbit-led.example: Modules from Korea","text":"jh.park@hanbit-led.example wrote on 2026-03-02 16:01 and nobody has answered yet.\nAnswer due by 2026-03-03 16:01 (Asia/Shanghai).\nSubject: Modules from Korea\njh.park@hanbit-led.example is not in the CRM yet. To make this a customer, create a contact or a lead with this address: the mail is then filed there by itself, earlier ones too.\nThis task is closed by itself when one of you answers the mail.","due_at":"2026-03-03T08:01:06Z","due_on":"2026-03-03","urgent":false,"record":null,"deal":"","owner":"005Hs000000000YIAQ"}','first_response','[{"rule":"first_response","details":[["mail","0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec"],["within","1d"]]},{"rule":"new_sender","details":[]},{"rule":"unknown_address","details":[["role","from"],["domain","hanbit-led.example"]]},{"rule":"owner_mailbox","details":[["user","005Hs000000000YIAQ"]]}]','task:v1:12a37c25c854ede9ac76a2dd4b037e2e0fe36e8ad8ba5db5f9177784bbb64715','[]','2026-03-02T08:01:08.730151',0,'2026-03-02T08:02:09.031704','2026-03-02T08:02:09.031704','','[]',NULL,'','00THs0000000021MAA','created','https://harbour-trading.my.salesforce.com/00THs0000000021MAA','','2026-03-02T08:01:08.730151','2026-03-02T08:02:09.079164',NULL,5,0,NULL,NULL,NULL,NULL);
CREATE TABLE journal (
	seq INTEGER NOT NULL, 
	at VARCHAR(26) NOT NULL, 
	event VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	thread INTEGER, 
	mail VARCHAR, 
	item VARCHAR, 
	details TEXT NOT NULL, 
	CONSTRAINT pk_journal PRIMARY KEY (seq)
);
INSERT INTO "journal" VALUES(1,'2026-03-02T08:00:02.926202','item.decided','crm',1,'37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','v1:4164e39bc83e4562bf8ebbf48980456e78a17702888e7b03a958ef89c6854e67','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(2,'2026-03-02T08:00:02.926202','item.decided','crm',2,'d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','v1:d9b1a5a8c09f9be46061baf9d516f9131adb9f3b7c2deab892af5f584604e156','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(3,'2026-03-02T08:00:02.926202','item.decided','crm',2,'33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','v1:6d6581f79ed1f7b93be3c5f65d74112eeb2e602164e90f2e2de75244446ed249','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(4,'2026-03-02T08:00:02.926202','item.decided','crm',3,'c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','v1:d49338558d3d875ce6306cc616885b6c41a5d4a95aea4c211cb32b6415d9a934','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(5,'2026-03-02T08:00:02.926202','item.decided','crm',4,'c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','v1:b4ca1658233c328c165cf3d0cef6eca39e0a75b6e9d9f4b709b4b2ee74f0c493','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(6,'2026-03-02T08:00:03.156686','item.done','crm',1,'37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','v1:4164e39bc83e4562bf8ebbf48980456e78a17702888e7b03a958ef89c6854e67','{}');
INSERT INTO "journal" VALUES(7,'2026-03-02T08:00:03.156686','item.done','crm',2,'d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','v1:d9b1a5a8c09f9be46061baf9d516f9131adb9f3b7c2deab892af5f584604e156','{}');
INSERT INTO "journal" VALUES(8,'2026-03-02T08:00:03.156686','item.done','crm',2,'33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','v1:6d6581f79ed1f7b93be3c5f65d74112eeb2e602164e90f2e2de75244446ed249','{}');
INSERT INTO "journal" VALUES(9,'2026-03-02T08:00:03.156686','item.done','crm',3,'c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','v1:d49338558d3d875ce6306cc616885b6c41a5d4a95aea4c211cb32b6415d9a934','{}');
INSERT INTO "journal" VALUES(10,'2026-03-02T08:00:03.156686','item.done','crm',4,'c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','v1:b4ca1658233c328c165cf3d0cef6eca39e0a75b6e9d9f4b709b4b2ee74f0c493','{}');
INSERT INTO "journal" VALUES(11,'2026-03-02T08:01:05.480536','item.decided','crm',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','v1:d9da51300920485221b1d5e616b60768c1338c874bd44e79359b58ae9fe915e7','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(12,'2026-03-02T08:01:05.480536','item.decided','crm',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','v1:35ea31f58fe88369f2d90141d4c7e016be93ec607115861cc648633be93d6bd6','{"kind": "move_deal", "rule": "stage:Proposal/Price Quote"}');
INSERT INTO "journal" VALUES(13,'2026-03-02T08:01:05.841311','item.done','crm',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','v1:d9da51300920485221b1d5e616b60768c1338c874bd44e79359b58ae9fe915e7','{}');
INSERT INTO "journal" VALUES(14,'2026-03-02T08:01:06.037391','item.done','crm',5,'192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','v1:35ea31f58fe88369f2d90141d4c7e016be93ec607115861cc648633be93d6bd6','{}');
INSERT INTO "journal" VALUES(15,'2026-03-02T08:01:08.730151','item.decided','crm',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','v1:94369998f3ad794c9a2de9b5d0262ee44877a53316fff16f48e8bc2e6eb4633e','{"kind": "log_email", "rule": "log"}');
INSERT INTO "journal" VALUES(16,'2026-03-02T08:01:08.730151','item.decided','crm',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','v1:602b953784599cda41ed2c321223779c8e166b0e5b396ff32bd3a35829d9e424','{"kind": "create_task", "rule": "first_response"}');
INSERT INTO "journal" VALUES(17,'2026-03-02T08:01:08.730151','item.decided','crm',7,'0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','v1:12a37c25c854ede9ac76a2dd4b037e2e0fe36e8ad8ba5db5f9177784bbb64715','{"kind": "create_task", "rule": "first_response"}');
INSERT INTO "journal" VALUES(18,'2026-03-02T08:02:09.031704','item.unknown','crm',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','v1:94369998f3ad794c9a2de9b5d0262ee44877a53316fff16f48e8bc2e6eb4633e','{"detail": "OutcomeUnknown composite.graph: Sent, but no complete answer came back."}');
INSERT INTO "journal" VALUES(19,'2026-03-02T08:02:09.079164','item.done','crm',6,'bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','v1:602b953784599cda41ed2c321223779c8e166b0e5b396ff32bd3a35829d9e424','{}');
INSERT INTO "journal" VALUES(20,'2026-03-02T08:02:09.079164','item.done','crm',7,'0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','v1:12a37c25c854ede9ac76a2dd4b037e2e0fe36e8ad8ba5db5f9177784bbb64715','{}');
CREATE TABLE lanes (
	name VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	code VARCHAR NOT NULL, 
	hint TEXT NOT NULL, 
	until VARCHAR(26), 
	beat_at VARCHAR(26) NOT NULL, 
	failures INTEGER NOT NULL, trouble_since VARCHAR(26), 
	CONSTRAINT pk_lanes PRIMARY KEY (name)
);
INSERT INTO "lanes" VALUES('mail:sales@minghui-lighting.example','running','','',NULL,'2026-03-02T08:01:06.767537',0,NULL);
INSERT INTO "lanes" VALUES('mail:lily.chen@minghui-lighting.example','running','','',NULL,'2026-03-02T08:01:06.491429',0,NULL);
INSERT INTO "lanes" VALUES('mail:tom.zhou@minghui-lighting.example','running','','',NULL,'2026-03-02T08:01:06.551794',0,NULL);
INSERT INTO "lanes" VALUES('target:crm','running','','',NULL,'2026-03-02T08:02:09.079164',0,NULL);
CREATE TABLE mailboxes (
	name VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	addresses TEXT NOT NULL, 
	cursor TEXT, 
	cursor_at VARCHAR(26), 
	live_from VARCHAR(26) NOT NULL, 
	covered_from VARCHAR(26) NOT NULL, 
	resyncs INTEGER NOT NULL, resynced TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_mailboxes PRIMARY KEY (name)
);
INSERT INTO "mailboxes" VALUES('sales@minghui-lighting.example','gmail:sales@minghui-lighting.example','["sales@minghui-lighting.example","export@minghui-lighting.example"]','7161','2026-03-02T08:01:06.767537','2026-03-02T08:00:00.523120','2026-02-09T16:00:00.000000',0,'[]');
INSERT INTO "mailboxes" VALUES('tom.zhou@minghui-lighting.example','gmail:tom.zhou@minghui-lighting.example','["tom.zhou@minghui-lighting.example"]','5341','2026-03-02T08:01:06.551794','2026-03-02T08:00:00.630997','2026-02-09T16:00:00.000000',0,'[]');
INSERT INTO "mailboxes" VALUES('lily.chen@minghui-lighting.example','gmail:lily.chen@minghui-lighting.example','["lily.chen@minghui-lighting.example","lily@minghui-lighting.example"]','7354','2026-03-02T08:01:06.491429','2026-03-02T08:00:00.634037','2025-08-14T08:00:00.000000',0,'[]');
CREATE TABLE mails (
	identity VARCHAR NOT NULL, 
	facts TEXT NOT NULL, 
	reader INTEGER NOT NULL, 
	sent_at VARCHAR(26) NOT NULL, 
	thread INTEGER NOT NULL, 
	live BOOLEAN NOT NULL, 
	seen_at VARCHAR(26) NOT NULL, 
	twin_from VARCHAR NOT NULL, 
	twin_subject VARCHAR NOT NULL, 
	twin_text VARCHAR NOT NULL, 
	CONSTRAINT pk_mails PRIMARY KEY (identity), 
	CONSTRAINT fk_mails_thread_threads FOREIGN KEY(thread) REFERENCES threads (id)
);
INSERT INTO "mails" VALUES('37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','{"identity":"37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf","reader":1,"sent_at":"2026-02-26T02:15:00Z","direction":"outgoing","kind":"human","subject":"Re: Visit to Ningbo in April","message_id":"many-colleagues.2.25d81af0b46d@minghui-lighting.example","references":["many-colleagues.1.29f8d886b54a@nordlicht.example"],"from_":{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"},"reply_to":[],"to":[{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"}],"cc":[{"email":"tom.zhou@minghui-lighting.example","name":"Tom Zhou 周涛"},{"email":"sales@minghui-lighting.example","name":"Minghui Sales"},{"email":"wei.jun@minghui-lighting.example","name":"Wei Jun 韦军"},{"email":"p.vogel@nordlicht.example","name":"Petra Vogel"}],"bcc":[],"author":{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"},"externals":[{"address":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"role":"to"},{"address":{"email":"p.vogel@nordlicht.example","name":"Petra Vogel"},"role":"cc"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-02-26T02:15:00.000000',1,0,'2026-03-02T08:00:00.988847','lily.chen@minghui-lighting.example','d449a2ce535aa80483489b90e8b8e721','f0617204202ce4061f9767e01188ed50');
INSERT INTO "mails" VALUES('33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','{"identity":"33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32","reader":1,"sent_at":"2026-02-28T08:45:00Z","direction":"incoming","kind":"human","subject":"Re: Booking confirmation NGB-HAM, Nordlicht 1x40HQ","message_id":"shipping-bl.4.dc6c5b93d323@nordlicht.example","references":["shipping-bl.1.e75d871b3c01@oceanbridge.example","shipping-bl.2.6c4397934a1d@minghui-lighting.example","shipping-bl.3.00d6dd9ed921@oceanbridge.example"],"from_":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"reply_to":[],"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"}],"bcc":[],"author":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"externals":[{"address":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"role":"from"},{"address":{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"},"role":"cc"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-02-28T08:45:00.000000',2,0,'2026-03-02T08:00:01.002314','klaus.brandt@nordlicht.example','50b09197c0603488b38a177e7dfb3e6f','8adab8fb3b38b0a9550d4880d2d9286c');
INSERT INTO "mails" VALUES('c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','{"identity":"c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019","reader":1,"sent_at":"2026-02-27T03:50:00Z","direction":"incoming","kind":"human","subject":"Flicker values","message_id":"strangers.6.23d2a5a9591f@nordlicht.example","references":[],"from_":{"email":"h.kranz@nordlicht.example","name":"Helmut Kranz"},"reply_to":[],"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[],"bcc":[],"author":{"email":"h.kranz@nordlicht.example","name":"Helmut Kranz"},"externals":[{"address":{"email":"h.kranz@nordlicht.example","name":"Helmut Kranz"},"role":"from"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-02-27T03:50:00.000000',3,0,'2026-03-02T08:00:01.002314','h.kranz@nordlicht.example','b61643eb17ccb76d4748ef9dd1fd338f','e0444f4ae91286e0f1e6209cbc5b7f78');
INSERT INTO "mails" VALUES('d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','{"identity":"d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a","reader":1,"sent_at":"2026-02-27T02:05:00Z","direction":"incoming","kind":"human","subject":"Re: Booking confirmation NGB-HAM, Nordlicht 1x40HQ","message_id":"shipping-bl.3.00d6dd9ed921@oceanbridge.example","references":["shipping-bl.1.e75d871b3c01@oceanbridge.example","shipping-bl.2.6c4397934a1d@minghui-lighting.example"],"from_":{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"},"reply_to":[],"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"}],"bcc":[],"author":{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"},"externals":[{"address":{"email":"booking@oceanbridge.example","name":"Ocean Bridge Logistics"},"role":"from"},{"address":{"email":"klaus.brandt@nordlicht.example","name":"Klaus Brandt"},"role":"cc"}],"findings":[],"attachments":[{"name":"BL_draft_OB661204.pdf","media_type":"application/pdf","size":22537,"inline":false,"ref":"1.2"}],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-02-27T02:05:00.000000',2,0,'2026-03-02T08:00:01.002314','booking@oceanbridge.example','50b09197c0603488b38a177e7dfb3e6f','88130f3140faf22d4a71643f5caae074');
INSERT INTO "mails" VALUES('c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','{"identity":"c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467","reader":1,"sent_at":"2026-02-26T10:10:00Z","direction":"incoming","kind":"human","subject":"Re: Pedido 2026-044","message_id":"casalumen-order.3.a3c7f67711ac@casalumen.example","references":["casalumen-order.1.1de037260c33@casalumen.example","casalumen-order.2.8e6ff233f28a@minghui-lighting.example"],"from_":{"email":"marta@casalumen.example","name":"Marta Ruiz Peña"},"reply_to":[],"to":[{"email":"lily.chen@minghui-lighting.example","name":"Lily Chen 陈丽"}],"cc":[],"bcc":[],"author":{"email":"marta@casalumen.example","name":"Marta Ruiz Peña"},"externals":[{"address":{"email":"marta@casalumen.example","name":"Marta Ruiz Peña"},"role":"from"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-02-26T10:10:00.000000',4,0,'2026-03-02T08:00:01.002314','marta@casalumen.example','4a4b18c84408fa9d71600bdd8b9fd682','2ec15f423fa6e348136380941534158c');
INSERT INTO "mails" VALUES('192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','{"identity":"192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e","reader":1,"sent_at":"2026-03-02T08:01:03Z","direction":"outgoing","kind":"human","subject":"Our quotation for 1,200 panels","message_id":"25f260bb0300ca50@test.example","references":[],"from_":{"email":"lily.chen@minghui-lighting.example","name":""},"reply_to":[],"to":[{"email":"klaus.brandt@nordlicht.example","name":""}],"cc":[],"bcc":[],"author":{"email":"lily.chen@minghui-lighting.example","name":""},"externals":[{"address":{"email":"klaus.brandt@nordlicht.example","name":""},"role":"to"}],"findings":[{"kind":"quotation","where":"subject","word":"quotation"},{"kind":"quotation","where":"text","word":"quotation"}],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-03-02T08:01:03.000000',5,1,'2026-03-02T08:01:03.626099','lily.chen@minghui-lighting.example','662e3fe6f566c960967dd9dafd3377f4','2229a12c900c872a9be8e4cd7f2f4623');
INSERT INTO "mails" VALUES('bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','{"identity":"bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb","reader":1,"sent_at":"2026-03-02T08:01:06Z","direction":"incoming","kind":"human","subject":"Many thanks","message_id":"bf037a5e60e25a42@test.example","references":[],"from_":{"email":"klaus.brandt@nordlicht.example","name":""},"reply_to":[],"to":[{"email":"lily.chen@minghui-lighting.example","name":""}],"cc":[],"bcc":[],"author":{"email":"klaus.brandt@nordlicht.example","name":""},"externals":[{"address":{"email":"klaus.brandt@nordlicht.example","name":""},"role":"from"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-03-02T08:01:06.000000',6,1,'2026-03-02T08:01:06.491429','klaus.brandt@nordlicht.example','22f8a75e754c6922f301b408f56474c9','5f2cab46558010e351a6d013603cc886');
INSERT INTO "mails" VALUES('0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','{"identity":"0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec","reader":1,"sent_at":"2026-03-02T08:01:06Z","direction":"incoming","kind":"human","subject":"Modules from Korea","message_id":"22cb73e234bf5e2f@test.example","references":[],"from_":{"email":"jh.park@hanbit-led.example","name":""},"reply_to":[],"to":[{"email":"sales@minghui-lighting.example","name":""}],"cc":[],"bcc":[],"author":{"email":"jh.park@hanbit-led.example","name":""},"externals":[{"address":{"email":"jh.park@hanbit-led.example","name":""},"role":"from"}],"findings":[],"attachments":[],"bounced":[],"kind_evidence":"","defects":[],"erased":""}',1,'2026-03-02T08:01:06.000000',7,1,'2026-03-02T08:01:06.767537','jh.park@hanbit-led.example','98fa46884dd7e0a3602033c850f9e892','5f2cab46558010e351a6d013603cc886');
CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('rules','1a968c040e349c2a002c6b9c1912069f456638a52c4420749e6a226cb6b34c64');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	mailbox VARCHAR NOT NULL, 
	since VARCHAR(26) NOT NULL, 
	until VARCHAR(26) NOT NULL, 
	page TEXT, 
	listed INTEGER NOT NULL, 
	read INTEGER NOT NULL, 
	done BOOLEAN NOT NULL, 
	created_at VARCHAR(26) NOT NULL, 
	ended_at VARCHAR(26), undone_at VARCHAR(26), 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'backfill','sales@minghui-lighting.example','2026-02-09T16:00:00.000000','2026-03-02T08:00:00.523120',NULL,1,1,1,'2026-03-02T08:00:00.523120','2026-03-02T08:00:00.988847',NULL);
INSERT INTO "runs" VALUES(2,'backfill','tom.zhou@minghui-lighting.example','2026-02-09T16:00:00.000000','2026-03-02T08:00:00.630997',NULL,1,1,1,'2026-03-02T08:00:00.630997','2026-03-02T08:00:01.046618',NULL);
INSERT INTO "runs" VALUES(3,'backfill','lily.chen@minghui-lighting.example','2026-02-09T16:00:00.000000','2026-03-02T08:00:00.634037',NULL,5,5,1,'2026-03-02T08:00:00.634037','2026-03-02T08:00:01.002314',NULL);
INSERT INTO "runs" VALUES(4,'run','','2026-03-02T08:01:05.480536','2026-03-02T08:01:05.480536',NULL,0,0,1,'2026-03-02T08:01:05.480536',NULL,NULL);
INSERT INTO "runs" VALUES(5,'run','','2026-03-02T08:01:08.730151','2026-03-02T08:01:08.730151',NULL,0,0,1,'2026-03-02T08:01:08.730151',NULL,NULL);
INSERT INTO "runs" VALUES(6,'backfill','lily.chen@minghui-lighting.example','2025-08-14T08:00:00.000000','2026-03-03T08:02:09.079164',NULL,0,0,0,'2026-03-02T08:02:09.079164',NULL,NULL);
CREATE TABLE targets (
	name VARCHAR NOT NULL, 
	account_id VARCHAR NOT NULL, 
	account TEXT NOT NULL, 
	checked_at VARCHAR(26) NOT NULL, 
	paused_kinds TEXT NOT NULL, 
	CONSTRAINT pk_targets PRIMARY KEY (name)
);
INSERT INTO "targets" VALUES('crm','salesforce:00DHs000000000MMAQ','{"account_id":"salesforce:00DHs000000000MMAQ","name":"Harbour Trading Co.","pipelines":[{"id":"default","label":"Opportunity","stages":[{"id":"Prospecting","label":"Prospecting","order":1,"closed":false,"won":false},{"id":"Qualification","label":"Qualification","order":2,"closed":false,"won":false},{"id":"Needs Analysis","label":"Needs Analysis","order":3,"closed":false,"won":false},{"id":"Value Proposition","label":"Value Proposition","order":4,"closed":false,"won":false},{"id":"Proposal/Price Quote","label":"Proposal/Price Quote","order":5,"closed":false,"won":false},{"id":"Negotiation/Review","label":"Negotiation/Review","order":6,"closed":false,"won":false},{"id":"Closed Won","label":"Closed Won","order":7,"closed":true,"won":true},{"id":"Closed Lost","label":"Closed Lost","order":8,"closed":true,"won":false}]}],"capabilities":{"log_email":{"exists":true,"unique_key":true,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":true,"batch":50,"max_text":131072,"removable":true,"reason":""},"link_email":{"exists":true,"unique_key":false,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":true,"batch":50,"max_text":32000,"removable":true,"reason":""},"create_task":{"exists":true,"unique_key":true,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":false,"batch":50,"max_text":32000,"removable":true,"reason":""},"complete_task":{"exists":true,"unique_key":false,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":false,"batch":50,"max_text":32000,"removable":true,"reason":""},"move_deal":{"exists":true,"unique_key":false,"lookup":"strong","settles_after":600.0,"guarded":true,"spans_records":false,"batch":1,"max_text":32000,"removable":true,"reason":""},"set_fields":{"exists":true,"unique_key":false,"lookup":"strong","settles_after":600.0,"guarded":true,"spans_records":false,"batch":1,"max_text":32000,"removable":true,"reason":""},"create_customer":{"exists":true,"unique_key":true,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":false,"batch":50,"max_text":32000,"removable":true,"reason":""},"remove":{"exists":true,"unique_key":false,"lookup":"strong","settles_after":600.0,"guarded":false,"spans_records":false,"batch":1,"max_text":32000,"removable":true,"reason":""}},"problems":[]}','2026-03-02T08:01:08.086405','{}');
CREATE TABLE tellings (
	alarm INTEGER NOT NULL, 
	event VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	due_at VARCHAR(26) NOT NULL, 
	tries INTEGER NOT NULL, 
	told_at VARCHAR(26), 
	dropped BOOLEAN NOT NULL, 
	CONSTRAINT pk_tellings PRIMARY KEY (alarm, event, channel), 
	CONSTRAINT fk_tellings_alarm_alarms FOREIGN KEY(alarm) REFERENCES alarms (id)
);
CREATE TABLE thread_keys (
	"key" VARCHAR NOT NULL, 
	thread INTEGER NOT NULL, 
	CONSTRAINT pk_thread_keys PRIMARY KEY ("key"), 
	CONSTRAINT fk_thread_keys_thread_threads FOREIGN KEY(thread) REFERENCES threads (id)
);
INSERT INTO "thread_keys" VALUES('p:sales@minghui-lighting.example:19cad8fac00a6c4e',1);
INSERT INTO "thread_keys" VALUES('m:many-colleagues.2.25d81af0b46d@minghui-lighting.example',1);
INSERT INTO "thread_keys" VALUES('m:many-colleagues.1.29f8d886b54a@nordlicht.example',1);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad8fac00a93f9',2);
INSERT INTO "thread_keys" VALUES('m:shipping-bl.4.dc6c5b93d323@nordlicht.example',2);
INSERT INTO "thread_keys" VALUES('m:shipping-bl.1.e75d871b3c01@oceanbridge.example',2);
INSERT INTO "thread_keys" VALUES('m:shipping-bl.2.6c4397934a1d@minghui-lighting.example',2);
INSERT INTO "thread_keys" VALUES('m:shipping-bl.3.00d6dd9ed921@oceanbridge.example',2);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad8fac0083d38',3);
INSERT INTO "thread_keys" VALUES('m:strangers.6.23d2a5a9591f@nordlicht.example',3);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad8fac004a1fa',4);
INSERT INTO "thread_keys" VALUES('m:casalumen-order.3.a3c7f67711ac@casalumen.example',4);
INSERT INTO "thread_keys" VALUES('m:casalumen-order.1.1de037260c33@casalumen.example',4);
INSERT INTO "thread_keys" VALUES('m:casalumen-order.2.8e6ff233f28a@minghui-lighting.example',4);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad8fac0011ac0',1);
INSERT INTO "thread_keys" VALUES('p:tom.zhou@minghui-lighting.example:19cad8fac00fad42',1);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad90a2b59b890',5);
INSERT INTO "thread_keys" VALUES('m:25f260bb0300ca50@test.example',5);
INSERT INTO "thread_keys" VALUES('p:lily.chen@minghui-lighting.example:19cad90adf5b38ef',6);
INSERT INTO "thread_keys" VALUES('m:bf037a5e60e25a42@test.example',6);
INSERT INTO "thread_keys" VALUES('p:sales@minghui-lighting.example:19cad90adf5cb583',7);
INSERT INTO "thread_keys" VALUES('m:22cb73e234bf5e2f@test.example',7);
CREATE TABLE thread_words (
	word VARCHAR NOT NULL, 
	thread INTEGER NOT NULL, 
	CONSTRAINT pk_thread_words PRIMARY KEY (word, thread), 
	CONSTRAINT fk_thread_words_thread_threads FOREIGN KEY(thread) REFERENCES threads (id)
);
INSERT INTO "thread_words" VALUES('klaus.brandt@nordlicht.example',1);
INSERT INTO "thread_words" VALUES('p.vogel@nordlicht.example',1);
INSERT INTO "thread_words" VALUES('@nordlicht.example',1);
INSERT INTO "thread_words" VALUES('booking@oceanbridge.example',2);
INSERT INTO "thread_words" VALUES('klaus.brandt@nordlicht.example',2);
INSERT INTO "thread_words" VALUES('@nordlicht.example',2);
INSERT INTO "thread_words" VALUES('@oceanbridge.example',2);
INSERT INTO "thread_words" VALUES('h.kranz@nordlicht.example',3);
INSERT INTO "thread_words" VALUES('@nordlicht.example',3);
INSERT INTO "thread_words" VALUES('marta@casalumen.example',4);
INSERT INTO "thread_words" VALUES('@casalumen.example',4);
INSERT INTO "thread_words" VALUES('klaus.brandt@nordlicht.example',5);
INSERT INTO "thread_words" VALUES('@nordlicht.example',5);
INSERT INTO "thread_words" VALUES('klaus.brandt@nordlicht.example',6);
INSERT INTO "thread_words" VALUES('@nordlicht.example',6);
INSERT INTO "thread_words" VALUES('jh.park@hanbit-led.example',7);
INSERT INTO "thread_words" VALUES('@hanbit-led.example',7);
CREATE TABLE threads (
	id INTEGER NOT NULL, 
	created_at VARCHAR(26) NOT NULL, 
	CONSTRAINT pk_threads PRIMARY KEY (id)
);
INSERT INTO "threads" VALUES(1,'2026-03-02T08:00:00.988847');
INSERT INTO "threads" VALUES(2,'2026-03-02T08:00:01.002314');
INSERT INTO "threads" VALUES(3,'2026-03-02T08:00:01.002314');
INSERT INTO "threads" VALUES(4,'2026-03-02T08:00:01.002314');
INSERT INTO "threads" VALUES(5,'2026-03-02T08:01:03.626099');
INSERT INTO "threads" VALUES(6,'2026-03-02T08:01:06.491429');
INSERT INTO "threads" VALUES(7,'2026-03-02T08:01:06.767537');
CREATE TABLE users (
	target VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	"row" TEXT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (target, id)
);
INSERT INTO "users" VALUES('crm','005Hs000000000LIAQ','{"id":"005Hs000000000LIAQ","name":"Administrator","emails":["admin@harbour-trading.example"],"active":true}');
INSERT INTO "users" VALUES('crm','005Hs000000000NIAQ','{"id":"005Hs000000000NIAQ","name":"Integration","emails":["integration@harbour-trading.example"],"active":true}');
INSERT INTO "users" VALUES('crm','005Hs000000000WIAQ','{"id":"005Hs000000000WIAQ","name":"Lily Chen 陈丽","emails":["lily.chen@minghui-lighting.example"],"active":true}');
INSERT INTO "users" VALUES('crm','005Hs000000000XIAQ','{"id":"005Hs000000000XIAQ","name":"Tom Zhou 周涛","emails":["tom.zhou@minghui-lighting.example"],"active":true}');
INSERT INTO "users" VALUES('crm','005Hs000000000YIAQ','{"id":"005Hs000000000YIAQ","name":"Minghui Sales","emails":["sales@minghui-lighting.example"],"active":true}');
INSERT INTO "users" VALUES('crm','005Hs000000000ZIAQ','{"id":"005Hs000000000ZIAQ","name":"Wei Jun 韦军","emails":["wei.jun@minghui-lighting.example"],"active":true}');
CREATE TABLE verdicts (
	mail VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	evidence TEXT NOT NULL, 
	decided_at VARCHAR(26) NOT NULL, 
	CONSTRAINT pk_verdicts PRIMARY KEY (mail, target), 
	CONSTRAINT fk_verdicts_mail_mails FOREIGN KEY(mail) REFERENCES mails (identity)
);
INSERT INTO "verdicts" VALUES('37b7a6ef51e95963e40ce88680d597976977849cbfde7b87e924372aed54e8cf','crm','log',NULL,'[{"rule":"address_exact","details":[["role","to"],["record","contact:003Hs000000000kIAA"]]},{"rule":"address_exact","details":[["role","cc"],["record","contact:003Hs000000000lIAA"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('d4a07c8050a8d287b9ec6405356f33f5f77b1d89fee3d4c70d3b45401fc7769a','crm','log',NULL,'[{"rule":"unknown_address","details":[["role","from"],["domain","oceanbridge.example"]]},{"rule":"address_exact","details":[["role","cc"],["record","contact:003Hs000000000kIAA"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('33bcccc8038b1b4a984b218453dbcbe0723508abcef4c19cb15705ba09f12c32','crm','log',NULL,'[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000kIAA"]]},{"rule":"unknown_address","details":[["role","cc"],["domain","oceanbridge.example"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('c34487e35b66367965975f344b4a6d74cfae019e18cfdd61aca734750fd5b019','crm','log',NULL,'[{"rule":"domain_company","details":[["role","from"],["record","company:001Hs000000000aIAA"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('c08c936c1f3042e380c1840bc76455261077f48ce6ff4f7de96d7c8a4e355467','crm','log',NULL,'[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000mIAA"]]}]','2026-03-02T08:00:02.926202');
INSERT INTO "verdicts" VALUES('192c5c4372a09efa52780ba7762e925e97607f0ad918a3f2d9ff03144030481e','crm','log',NULL,'[{"rule":"address_exact","details":[["role","to"],["record","contact:003Hs000000000kIAA"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('bcd2f87d908b176f507161a00be8a91ab831648a88eb8111f354f3650532bccb','crm','log',NULL,'[{"rule":"address_exact","details":[["role","from"],["record","contact:003Hs000000000kIAA"]]}]','2026-03-02T08:01:08.730151');
INSERT INTO "verdicts" VALUES('0a561ff8bee34b50431f2026a05fe384144e04e88eef1b491b832881cddc4eec','crm','waiting','no_customer','[{"rule":"unknown_address","details":[["role","from"],["domain","hanbit-led.example"]]}]','2026-03-02T08:01:08.730151');
CREATE INDEX ix_items_due ON items (target, state, history, due_at);
CREATE INDEX ix_items_mail ON items (mail);
CREATE INDEX ix_items_thread ON items (thread);
CREATE INDEX ix_journal_item ON journal (item);
CREATE INDEX ix_journal_mail ON journal (mail);
CREATE INDEX ix_runs_open ON runs (mailbox, done);
CREATE INDEX ix_case_links_thread ON case_links (thread);
CREATE INDEX ix_cases_dirty ON cases (target, dirty, thread);
CREATE INDEX ix_cases_wake ON cases (wake_at);
CREATE INDEX ix_mails_sent_at ON mails (sent_at);
CREATE INDEX ix_mails_thread ON mails (thread);
CREATE INDEX ix_mails_twin ON mails (twin_from, twin_text, sent_at);
CREATE INDEX ix_thread_keys_thread ON thread_keys (thread);
CREATE INDEX ix_thread_words_thread ON thread_words (thread);
CREATE INDEX ix_bodies_kept_since ON bodies (kept_since);
CREATE INDEX ix_copies_mail ON copies (mail);
CREATE INDEX ix_items_look_again ON items (target, look_again_at);
CREATE INDEX ix_items_record ON items (target, record);
CREATE INDEX ix_copies_received ON copies (mailbox, received_at);
CREATE INDEX ix_copies_unreadable ON copies (seen_at) WHERE state = 'unreadable';
CREATE INDEX ix_differences_open ON differences (mailbox, mended_at);
CREATE INDEX ix_alarms_open ON alarms (cleared_at, kind, subject);
CREATE INDEX ix_tellings_open ON tellings (told_at, dropped, due_at);
CREATE INDEX ix_items_run ON items (run);
CREATE INDEX ix_items_undo ON items (undo);
CREATE INDEX ix_items_undoes ON items (undoes);
CREATE INDEX ix_copies_run ON copies (run);
CREATE INDEX ix_erased_person ON erased (person);
CREATE INDEX ix_items_erased ON items (erased);
COMMIT;

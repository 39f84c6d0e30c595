# ruff: noqa: E501 - one export stays one line
"""Stages and outcomes as systems and spreadsheets of many languages write them, read from their words alone."""

import pandas as pd
import pytest

from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.data.read.text import detect_encoding
from funnelnb.data.recognise.lexicon import header_scores, sense_of
from funnelnb.data.recognise.stages import Evidence, plan

SYSTEMS = {
    "salesforce_pt": ("Prospecção|Qualificação|Proposta/Cotação|Negociação/Revisão", "Fechado/Ganho", "Fechado/Perdido"),
    "salesforce_fr": ("Prospection|Qualification|Proposition/Devis|Négociation/Révision", "Fermée gagnée", "Fermée perdue"),
    "hubspot_nl": ("Afspraak gepland|Gekwalificeerd om te kopen|Presentatie gepland|Contract verzonden", "Gesloten gewonnen", "Gesloten verloren"),
    "hubspot_ja": ("アポイント設定済み|購買見込みあり|プレゼン予定|意思決定者の賛同", "成約", "不成約"),
    "zoho_de": ("Qualifizierung|Bedarfsanalyse|Wertversprechen|Verhandlung/Überprüfung", "Abgeschlossen gewonnen", "Abgeschlossen verloren"),
    "zoho_es": ("Calificación|Necesita análisis|Propuesta de valor|Negociación/revisión", "Cerrado ganado", "Cerrado perdido"),
    "dynamics_nl": ("Kwalificeren|Ontwikkelen|Voorstellen|Sluiten", "Gewonnen", "Verloren"),
    "dynamics_fr": ("Qualifier|Développer|Proposer|Conclure", "Conclue", "Perdue"),
    "pipedrive_pl": ("Zakwalifikowane|Nawiązano kontakt|Zaplanowano prezentację|Złożono ofertę", "Wygrana", "Przegrana"),
    "kommo_es": ("Contacto inicial|Conversaciones|Toma de decisiones|Discusión de contrato", "Logrado con éxito", "Venta perdido"),
    "weclapp_de": ("Interesse|Bedarf ermittelt|Angebot abgegeben|Verhandlung", "Gewonnen", "Verloren"),
    "teamleader_nl": ("Nieuw|Gecontacteerd|Afspraak gepland|Offerte verzonden", "Geaccepteerd", "Geweigerd"),
    "raynet_cs": ("Nová poptávka|Kontaktováno|Nabídka odeslána|Vyjednávání", "Vyhráno", "Prohráno"),
    "superoffice_no": ("Kontaktet|Behov|Tilbud|Forhandling", "Solgt", "Tapt"),
    "logo_tr": ("Yeni|Görüşme|Teklif|Pazarlık", "Kazanıldı", "Kaybedildi"),
    "indonesian": ("Prospek|Kontak|Penawaran|Negosiasi", "Menang", "Kalah"),
    "vietnamese": ("Tiếp cận|Khảo sát|Báo giá|Đàm phán", "Thành công", "Thất bại"),
    "ukrainian": ("Новий|Пропозиція|Переговори|Договір", "Успішно", "Провалено"),
    "arabic": ("عميل محتمل|تواصل|عرض سعر|تفاوض", "مكسوبة", "خاسرة"),
    "traditional_chinese": ("潛在客戶|需求訪談|提案|報價議價", "成交", "失敗"),
    "chinese_by_hand": ("初访|方案|报价|商谈", "已签约", "已丢单"),
    "forecast_categories": ("Lead|Pipeline|Best Case|Commit", "Closed Won", "Omitted (lost)"),
    "real_estate": ("New inquiry|Viewing booked|Offer made|Under offer", "Sold", "Fallen through"),
    "hiring": ("Applied|Phone Screen|Onsite|Offer", "Hired", "Rejected"),
    "quotes_fr": ("Devis envoyé", "Accepté", "Refusé"),
    "quotes_it": ("Inviato", "Accettato", "Rifiutato"),
    "quotes_pt": ("Em análise", "Aprovado", "Reprovado"),
    "quotes_es": ("Enviada", "Aceptada", "Rechazada"),
    "quotes_pl": ("Wysłana", "Przyjęta", "Odrzucona"),
    "trattative_it": ("Primo contatto|Analisi|Offerta inviata|Trattativa", "Chiusa positivamente", "Chiusa negativamente"),
    "insurance": ("Quoted", "BOUND", "DECLINED"),
    "percentages": ("10%|30%|50%|75%", "100%", "0%"),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_words_tell_meaning_and_order(system):
    names, won, lost = SYSTEMS[system]
    stages = names.split("|")
    counts = dict.fromkeys([*sorted(stages, reverse=True), lost, won], 9)
    found = plan(Evidence(counts=counts, probability={}, outcomes={}), outcome_told=False)
    meaning = {one.word: one.meaning for one in found.words}
    assert (meaning[won], meaning[lost].startswith("lost")) == ("won", True)
    assert list(found.stages) == stages


@pytest.mark.parametrize(
    "word", ["Won't Do", "不成約", "未成交客户", "没有成交", "Not Awarded", "No aceptada"]
)
def test_what_denies_a_win_is_none(word):
    assert sense_of(word).meaning != "won"


@pytest.mark.parametrize("name", ["Payment Status", "Raison du statut", "Motif du statut", "Email Status"])
def test_status_of_something_else_is_no_outcome(name):
    assert "outcome" not in header_scores(name)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp950", "商機編號,客戶名稱,負責業務,預估金額\nOP-1,甲公司,王,5\n"),
        ("cp1250", "Nr oferty;Wartość netto;Status\nOF/1;100;Wysłana\nOF/2;5;Przyjęta\n"),
        ("cp1252", "Nº Orçamento;Situação;Data Aprovação\n1;Em análise;\n"),
        ("gb18030", "商机编号,客户名称,负责人,预计金额\nOP-1,甲公司,王,5\n"),
        ("cp1252", "Größe;Wert m³;œuvre\n1;2;cœur\n"),
    ],
)
def test_encoding(tmp_path, encoding, text):
    path = tmp_path / "deals.csv"
    path.write_bytes(text.encode(encoding))
    assert path.read_bytes().decode(detect_encoding(path, path.read_bytes())) == text


def outcomes(frame):
    return load(frame, mapping=propose(frame)).opportunities["outcome"].tolist()


def test_closed_beside_a_stage_that_says_how():
    frame = pd.DataFrame({"Deal": list("ABCD"), "Stage": ["Proposal", "Closed Won", "Closed Lost", "Negotiation"],
                          "Status": ["Open", "Closed", "Closed", "Open"], "Created": ["2026-01-05"] * 4})  # fmt: skip
    assert outcomes(frame) == ["open", "won", "lost", "open"]


def test_an_expected_date_of_the_win_is_no_win():
    frame = pd.DataFrame({"商機編號": list("ABC"), "階段名": ["甲", "乙", "丙"], "狀態": ["成交", "失敗", "進行中"],
                          "預計成交日": ["2026-05-05"] * 3, "建立日期": ["2026-01-05"] * 3})  # fmt: skip
    assert outcomes(frame) == ["won", "lost", "open"]


def test_outcome_column_that_holds_reasons():
    frame = pd.DataFrame({"Lead #": ["1", "2", "3"], "Status": ["Won", "Lost", "Open"], "Stage": ["Quote", "Quote", "Qualify"],
                          "Outcome": ["", "Timing", ""], "Created": ["2026-01-05"] * 3})  # fmt: skip
    assert outcomes(frame) == ["won", "lost", "open"]


def test_a_reason_tells_which_strange_word_is_the_loss():
    frame = pd.DataFrame({
        "Deal": [f"D{k}" for k in range(12)], "Stage": ["Proposal"] * 4 + ["Zib"] * 5 + ["Zab"] * 3, "Created": ["2026-01-05"] * 12,
        "Closed": [""] * 4 + ["2026-02-05"] * 8, "Lost Reason": [""] * 4 + ["Price"] * 5 + [""] * 3,
    })  # fmt: skip
    assert outcomes(frame) == ["open"] * 4 + ["lost"] * 5 + ["won"] * 3


def test_groups_of_a_board_are_no_deals(tmp_path):
    header = ["Name", "Stage", "Value", "Created"]
    rows = [
        ["Active"],
        header,
        ["A", "Proposal", "5", "2026-01-05"],
        [],
        ["Closed Won"],
        header,
        ["B", "Won", "7", "2026-01-06"],
    ]
    lines = [",".join([*row, *[""] * (4 - len(row))]) for row in rows]
    (tmp_path / "board.csv").write_text("\n".join(lines) + "\n")
    assert outcomes(tmp_path) == ["open", "won"]


def test_open_deals_in_one_sheet_and_closed_ones_in_another(tmp_path):
    names = ["Deal", "Client", "Stage", "Value", "Created"]
    with pd.ExcelWriter(tmp_path / "crm.xlsx") as book:
        here = [["A", "Acme", "Demo", 5, "2026-01-05"], ["B", "Beta", "Quote", 6, "2026-01-06"]]
        pd.DataFrame(here, columns=names).to_excel(book, sheet_name="Open", index=False)
        gone = [
            ["C", "Gamma", "Won", 7, "2026-01-07", "2026-02-01"],
            ["D", "Delta", "Lost", 8, "2026-01-08", "2026-02-02"],
        ]
        pd.DataFrame(gone, columns=[*names, "Closed"]).to_excel(book, sheet_name="Closed", index=False)
    assert outcomes(tmp_path) == ["open", "open", "won", "lost"]


def test_letters_in_front_order_the_stages():
    counts = dict.fromkeys(["D 合同洽谈", "C 报价", "B 方案交流", "A 初步意向", "赢单"], 9)
    found = plan(Evidence(counts=counts, probability={}, outcomes={}), outcome_told=False)
    assert found.stages == ("A 初步意向", "B 方案交流", "C 报价", "D 合同洽谈")


def test_one_date_for_win_and_loss_is_neither():
    frame = pd.DataFrame({"Cliente": list("ABC"), "Fase do funil": ["Ganhamos", "Perdemos", "Proposta"],
                          "Data entrada": ["05/01/2026"] * 3, "Data ganho/perda": ["28/02/2026", "27/02/2026", ""]})  # fmt: skip
    assert outcomes(frame) == ["won", "lost", "open"]


def test_a_date_that_only_begins_like_a_stage_is_no_stage():
    frame = pd.DataFrame({"Projekt": list("ABC"), "Status": ["Auftrag erhalten", "Abgesagt", "laufend"],
                          "Anfrage vom": ["2026-01-05"] * 3, "Entscheid vom": ["2026-02-05", "2026-02-06", ""]})  # fmt: skip
    book = load(frame, mapping=propose(frame))
    assert "stage_history" not in book.tables
    assert book.opportunities["outcome"].tolist() == ["won", "lost", "open"]
